// From registration to a mapping, with the types that openapi-typescript makes of the document.

import createClient from "openapi-fetch";
import type { components, paths } from "./built/schema.js";

declare const process: { env: Record<string, string | undefined> };

const api = createClient<paths>({ baseUrl: process.env["SERVER"] ?? "" });

type Answer<T> = { data?: T; error?: unknown; response: Response };

function expect<T>(status: number, { data, error, response }: Answer<T>): T {
  if (response.status !== status || data === undefined) {
    throw new Error(`${response.status} ${response.url}: ${JSON.stringify(error)}`);
  }
  return data;
}

const email = "walker@example.com";
const password = "StrongPass123";
const { user } = expect(201, await api.POST("/api/auth/register/", { body: { name: "Walker", email, password } }));
const { access, refresh } = expect(200, await api.POST("/api/auth/login/", { body: { email, password } }));
expect(200, await api.POST("/api/auth/token/refresh/", { body: { refresh } }));
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${access}`);
  },
});

const patient: components["schemas"]["Patient"] = expect(
  201,
  await api.POST("/api/patients/", { body: { name: "John Doe", age: "34", gender: "male", contact: 1234567890 } }),
);
const doctor = expect(
  201,
  await api.POST("/api/doctors/", { body: { first_name: "Emily", last_name: "Carter", specialization: "Cardiology" } }),
);
const mapping = expect(201, await api.POST("/api/mappings/", { body: { patient: patient.id, doctorId: doctor.id } }));
const doctors = expect(200, await api.GET("/api/mappings/{id}/", { params: { path: { id: patient.id } } }));
if (patient.created_by !== user.email || mapping.patient_name !== "John Doe" || doctors[0]?.id !== doctor.id) {
  throw new Error("not what was sent");
}

// a refusal is typed too: the messages of each field, or the detail
const { error } = await api.POST("/api/patients/", { body: { name: "", gender: "M", age: 151 } });
if (error === undefined || "detail" in error) {
  throw new Error("no field is at fault");
}
// what is not enough does not compile
// @ts-expect-error: no name
export const nameless: components["schemas"]["PatientRequest"] = { gender: "M", age: 1 };
// @ts-expect-error: one part of the name
export const half: components["schemas"]["DoctorRequest"] = { first_name: "A", specialty: "B" };
// @ts-expect-error: no doctor
export const alone: components["schemas"]["MappingRequest"] = { patient: 1 };
// @ts-expect-error: who?
export const nobody: components["schemas"]["Login"] = { password };

console.log(`walked from ${user.name} to mapping ${mapping.id}; refused: ${error.name?.[0]} ${error.age?.[0]}`);
