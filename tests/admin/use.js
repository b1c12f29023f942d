// A working day at the admin, once with scripts and once without: log in, add a doctor, search a patient, assign, read the
// history, change it while somebody else does, delete with a confirmation, log out.

import assert from "node:assert/strict";
import { ADMIN, asOwner, launch, logIn, open, patient } from "./browser.js";

const browser = await launch();

/** Picks a row in a field: from what the script suggests, or by its name alone. */
async function pick(page, field, typed, hasScripts) {
  await field.fill(typed);
  if (!hasScripts) return;
  await field.dispatchEvent("input");
  const list = page.locator(`#${await field.getAttribute("list")} option`);
  await list.first().waitFor({ state: "attached" });
  await field.fill(await list.first().getAttribute("value"));
}

async function work(hasScripts) {
  const name = hasScripts ? "Ada" : "Grace";
  const { id } = await asOwner("POST", "patients/", patient({ first_name: `${name}'s`, last_name: `<b>Doe</b>` }));
  const { page, close } = await open(browser, { javaScriptEnabled: hasScripts });
  await logIn(page, "doctors/");

  await page.getByRole("link", { name: "Add doctor" }).click();
  await page.getByLabel("First name").fill(name);
  await page.getByLabel("Last name").fill("Lovelace");
  await page.getByLabel("E-mail").fill("no address");
  await page.locator("form.record").evaluate((form) => { form.noValidate = true; });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Enter a valid email address.").waitFor();
  assert.equal(await page.getByLabel("First name").inputValue(), name);
  await page.getByLabel("E-mail").fill("");
  await page.getByLabel("Specialty").fill("Cardiology");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("status").getByText(`The doctor “${name} Lovelace” was added.`).waitFor();

  await page.getByRole("searchbox", { name: "Search everything" }).fill(`${name}'s doe`);
  await page.getByRole("search", { name: "Everything" }).getByRole("button").click();
  await page.getByRole("link", { name: `${name}'s <b>Doe</b>`, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: `${name}'s <b>Doe</b>` }).waitFor();

  await pick(page, page.getByLabel("Doctor", { exact: true }), `${name} love`, hasScripts);
  await page.getByRole("button", { name: "Assign" }).click();
  await page.getByRole("table").getByRole("link", { name: `${name} Lovelace` }).waitFor();

  await page.getByRole("link", { name: "History" }).click();
  await page.getByText("through the API").first().waitFor();
  await page.getByText("at the admin").first().waitFor();

  await page.goto(`${ADMIN}patients/${id}/change/`);
  await asOwner("PATCH", `patients/${id}/`, { phone_number: "999" });
  await page.getByLabel("Phone").fill("111");
  await page.getByRole("button", { name: "Save and continue editing" }).click();
  await page.getByText("alice@example.com changed this while you were working on it.").waitFor();
  await page.getByText("Now it is: 999").waitFor();
  assert.equal(await page.getByLabel("Phone").inputValue(), "111");
  await page.getByRole("button", { name: "Save and continue editing" }).click();
  await page.getByText("was changed.").waitFor();
  assert.equal((await asOwner("GET", `patients/${id}/`)).phone_number, "111");

  await page.getByRole("link", { name: "Delete" }).click();
  await page.getByText("1 mapping").waitFor();
  await page.getByRole("button", { name: "Yes, delete" }).click();
  await page.getByText("was deleted.").waitFor();

  await page.locator(".me summary").click();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out.").waitFor();
  await page.goto(ADMIN);
  assert.match(page.url(), /\/admin\/login\//);
  await close();
  console.log(`Chromium, ${hasScripts ? "with" : "without"} scripts: a doctor added, a patient found, assigned, changed and deleted`);
}

await work(true);
await work(false);

// the keyboard alone: over the skip link to the content, and through a form
const { page, close } = await open(browser);
await page.goto(ADMIN);
await page.keyboard.type("root@example.com");
await page.keyboard.press("Tab");
await page.keyboard.type("StrongPass123");
await page.keyboard.press("Enter");
await page.getByRole("heading", { name: "Overview" }).waitFor();
await page.keyboard.press("Tab");
assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
await page.keyboard.press("Enter");
await page.keyboard.press("Tab");
assert.equal(await page.evaluate(() => document.activeElement.textContent), "Patients");
await page.keyboard.press("Enter");
await page.getByRole("heading", { level: 1, name: "Patients" }).waitFor();

// a login that ends while somebody types: nothing is lost
await page.goto(`${ADMIN}doctors/add/`);
for (const label of ["First name", "Last name", "Specialty"]) await page.getByLabel(label).fill("Kept");
const cookies = await page.context().cookies();
await page.context().clearCookies();
await page.getByRole("button", { name: "Save and continue editing" }).click();
await page.getByText("Your login has ended.").waitFor();
assert.equal(await page.getByLabel("Specialty").inputValue(), "Kept");
await page.context().addCookies(cookies);
await page.getByRole("button", { name: "Save and continue editing" }).click();
await page.getByText("The doctor “Kept Kept” was added.").waitFor();
await close();
await browser.close();
console.log("Chromium, by the keyboard alone: logged in, and opened a list");
