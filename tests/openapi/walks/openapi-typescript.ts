// From registration to a mapping, with the types that openapi-typescript makes of the document.

import createClient from "openapi-fetch";
import type { components, paths } from "../built/openapi-typescript/schema.js";

declare const process: { env: Record<string, string | undefined> };

const api = createClient<paths>({ baseUrl: process.env["SERVER"] ?? "" });

type Answer<T> = { data?: T; error?: unknown; response: Response };

function expect<T>(status: number, { data, error, response }: Answer<T>): T {
  if (response.status !== status || data === undefined) {
    throw new Error(`${response.status} ${response.url}: ${JSON.stringify(error)}`);
  }
  return data;
}

const email = "openapi-typescript@example.com";
const password = "StrongPass123";
const { user } = expect(201, await api.POST("/api/auth/register/", { body: { name: "Walker", email, password } }));
const { access, refresh } = expect(200, await api.POST("/api/auth/login/", { body: { email, password } }));
expect(200, await api.POST("/api/auth/token/refresh/", { body: { refresh } }));
const nobody = await api.GET("/api/patients/");
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${access}`);
  },
});

const patient: components["schemas"]["Patient"] = expect(
  201,
  await api.POST("/api/patients/", { body: { name: "John Doe", age: 34, gender: "M" } }),
);
const doctor = expect(
  201,
  await api.POST("/api/doctors/", { body: { first_name: "Emily", last_name: "Carter", specialty: "Cardiology" } }),
);
const mapping = expect(201, await api.POST("/api/mappings/", { body: { patient: patient.id, doctor: doctor.id } }));
const doctors = expect(200, await api.GET("/api/mappings/{id}/", { params: { path: { id: patient.id } } }));
const query = { gender: "M", search: "doe", ordering: "-id", date_of_birth__gte: "1980-01-01" } as const;
const men = expect(200, await api.GET("/api/patients/", { params: { query } }));
const women = expect(200, await api.GET("/api/patients/", { params: { query: { ...query, gender: "F" } } }));
if (
  patient.created_by !== user.email ||
  mapping.patient_name !== "John Doe" ||
  doctors[0]?.id !== doctor.id ||
  men[0]?.id !== patient.id ||
  women.length !== 0
) {
  throw new Error("not what was sent");
}

// a refusal is typed too: the messages of each field, or the detail
const { error } = await api.POST("/api/patients/", { body: { gender: "F" } });
if (error === undefined || "detail" in error || nobody.response.status !== 401) {
  throw new Error("not refused");
}
// what is not enough does not compile
// @ts-expect-error: no doctor
export const alone: components["schemas"]["MappingRequest"] = { patient: 1 };
// @ts-expect-error: no gender
export const neither: components["schemas"]["PatientRequest"] = { name: "John Doe", age: 34 };

console.log(`openapi-typescript: mapping ${mapping.id}; ${error.first_name}; ${nobody.error?.detail}`);
