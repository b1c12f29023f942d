// From registration to a mapping, with the client that OpenAPI Generator's typescript-fetch makes of the document.

import {
  AuthApi,
  Configuration,
  DoctorsApi,
  MappingsApi,
  PatientErrorsFromJSON,
  PatientsApi,
  PatientsListOrderingEnum,
  ResponseError,
  UnauthenticatedBodyFromJSON,
} from "../built/typescript-fetch/index.js";

declare const process: { env: Record<string, string | undefined> };

/** The status and the body of a refusal. */
async function refusal(answer: Promise<unknown>): Promise<[number, unknown]> {
  const error: unknown = await answer.then(() => undefined, (error) => error);
  if (!(error instanceof ResponseError)) throw error ?? new Error("not refused");
  return [error.response.status, await error.response.json()];
}

const basePath = process.env["SERVER"] ?? "";
const auth = new AuthApi(new Configuration({ basePath }));
const email = "typescript-fetch@example.com";
const password = "StrongPass123";
const { user } = await auth.authRegisterCreate({ registerRequest: { name: "Walker", email, password } });
const { access } = await auth.authLoginCreate({ loginRequest: { email, password } });

const configuration = new Configuration({ basePath, accessToken: access });
const patients = new PatientsApi(configuration);
const mappings = new MappingsApi(configuration);
const patient = await patients.patientsCreate({ patientRequest: { name: "John Doe", age: 34, gender: "M" } });
const doctor = await new DoctorsApi(configuration).doctorsCreate({
  doctorRequest: { firstName: "Emily", lastName: "Carter", specialty: "Cardiology" },
});
const mapping = await mappings.mappingsCreate({ mappingRequest: { patient: patient.id, doctor: doctor.id } });
const doctors = await mappings.mappingsDoctorsList({ id: patient.id });
const query = {
  search: "doe",
  ordering: PatientsListOrderingEnum.ID_DESCENDING,
  dateOfBirthGte: new Date("1980-01-01"),
};
const men = await patients.patientsList({ ...query, gender: "M" });
const women = await patients.patientsList({ ...query, gender: "F" });
if (
  patient.createdBy !== user.email ||
  mapping.patientName !== "John Doe" ||
  doctors[0]?.id !== doctor.id ||
  men[0]?.id !== patient.id ||
  women.length !== 0
) {
  throw new Error("not what was sent");
}

const [invalid, faults] = await refusal(patients.patientsCreate({ patientRequest: { gender: "F" } }));
const [unknown, body] = await refusal(new PatientsApi(new Configuration({ basePath })).patientsList());
const { firstName } = PatientErrorsFromJSON(faults);
const { detail } = UnauthenticatedBodyFromJSON(body);
if (invalid !== 400 || firstName === undefined || unknown !== 401) throw new Error("not refused");

console.log(`typescript-fetch: mapping ${mapping.id}; ${firstName}; ${detail}`);
