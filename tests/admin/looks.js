// Every page of the admin by axe-core (WCAG 2.2 AA, and what else it takes for good), in light and dark, on a wide screen and
// on a narrow one; nothing is scrolled sideways. Leaves pictures in built/.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { ADMIN, asOwner, launch, logIn, open, patient } from "./browser.js";

const axe = createRequire(import.meta.url)("axe-core");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const browser = await launch();
await mkdir("built", { recursive: true });

const names = [["Jane", "Doe"], ["Amara", "Okafor"], ["Noah", "García"], ["Yuki", "Ito"], ["Zoë", "Müller"], ["Omar", "Haddad"]];
const patients = [];
for (const [index, [first_name, last_name]] of names.entries()) {
  const date_of_birth = `${1950 + index * 9}-0${index + 1}-15`;
  patients.push(await asOwner("POST", "patients/", patient({ first_name, last_name, date_of_birth, gender: "FFMFFM"[index] })));
}
const specialties = ["Cardiology", "Neurology", "Paediatrics"];
for (const [index, specialty] of specialties.entries()) {
  const doctor = await asOwner("POST", "doctors/", { first_name: "Emily", last_name: `Carter ${index}`, specialty });
  await asOwner("POST", "mappings/", { patient: patients[0].id, doctor: doctor.id });
}
await asOwner("PATCH", `patients/${patients[0].id}/`, { phone_number: "5550199", address: "4 Elm Row" });

/** Each page, and what is done to get there. */
const one = `patients/${patients[0].id}`;
const PAGES = {
  overview: "", patients: "patients/?gender=F&created_at=week", patient: `${one}/change/`, add: "patients/add/", history: `${one}/history/`,
  delete: `${one}/delete/`, doctors: "doctors/?o=specialty", doctor: "doctors/1/change/", mappings: "mappings/", mapping: "mappings/add/",
  users: "users/", user: "users/1/change/", "add-user": "users/add/", "set-password": "users/2/password/", password: "password/",
  changes: "changes/", faults: "changes/?row=2&from=x&actor=1", accesses: "accesses/", search: "search/?q=jane", empty: "doctors/?q=nobody", "not-found": "patients/999999/change/",
};

/** A form with errors, and a conflict. */
async function after(page, look) {
  await page.goto(`${ADMIN}patients/add/`);
  await page.locator("form.record").evaluate((form) => { form.noValidate = true; });
  await page.getByLabel("Owner").fill("nobody");
  await page.getByLabel("E-mail").fill("no address");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Please correct what is marked below.").waitFor();
  await look("errors");
  await page.goto(`${ADMIN}${one}/change/`);
  await asOwner("PATCH", `${one}/`, { phone_number: String(Date.now()) });
  await page.getByLabel("Phone").fill("111");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("while you were working on it").waitFor();
  await look("conflict");
}

async function lookAt(colorScheme, width) {
  // the policy of the pages lets no script in, and so not this one either
  const { page, close } = await open(browser, { colorScheme, viewport: { width, height: width < 500 ? 800 : 1000 }, bypassCSP: true });
  const look = async (name) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((values) => axe.run(document, { runOnly: values }), RULES);
    const said = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
    assert.deepEqual(said, [], `${name}, ${colorScheme}, ${width}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `${name} is wider than ${width}`);
    await page.screenshot({ path: `built/${name}-${colorScheme}-${width}.png` });
  };
  await page.goto(`${ADMIN}login/`);
  await look("login");
  await logIn(page, "users/");
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(ADMIN + path);
    await look(name);
  }
  await after(page, look);
  await close();
}

for (const width of [1600, 360]) {
  for (const scheme of ["light", "dark"]) await lookAt(scheme, width);
}
await browser.close();
console.log(`Chromium: ${Object.keys(PAGES).length + 3} pages, light and dark, 1600 and 360 pixels wide, without a fault by axe-core`);
