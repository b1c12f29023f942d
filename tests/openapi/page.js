// The documentation in Chromium, used as a person would: register, log in, be authorized, add a patient. Any violation of
// the page's policy, any request to elsewhere and any failed one is an error. Leaves a picture in built/.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";

const { SERVER, CHROMIUM = "/usr/bin/chromium" } = process.env;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
const faults = [];
page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
page.on("pageerror", (error) => faults.push(String(error)));
page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
page.on("request", (request) => /^(http:\/\/127|data:)/.test(request.url()) || faults.push(`elsewhere: ${request.url()}`));

/** Tries an operation out; its status and what it answers. */
async function tryOut(operation, body, encoding) {
  const block = page.locator(`[id="operations-${operation}"]`);
  await block.locator(".opblock-summary-control").click();
  await block.locator(".try-out__btn").click();
  if (encoding) await block.locator(".body-param-content-type select, .opblock-section-request-body select.content-type").first().selectOption(encoding);
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  await block.locator(".execute").click();
  const answer = block.locator(".live-responses-table .response").first();
  const status = await answer.locator(".response-col_status").innerText();
  const text = await answer.locator(".microlight").first().innerText();
  await block.locator(".opblock-summary-control").click();
  return [parseInt(status), JSON.parse(text)];
}

/** Uses the dialog behind "Authorize". */
async function authorize(use) {
  await page.locator(".btn.authorize").first().click();
  await use(page.locator(".modal-ux"));
  await page.locator(".modal-ux .btn-done").click();
}

await page.goto(SERVER);
assert.equal(page.url(), `${SERVER}/api/docs/`);
await page.waitForSelector(".opblock");
await mkdir("built", { recursive: true });
await page.screenshot({ path: "built/page.png" });

const [email, password] = ["page@example.com", "StrongPass123"];
assert.equal((await tryOut("auth-auth_register_create", { name: "Page", email, password }))[0], 201);
const [status, { access }] = await tryOut("auth-auth_login_create", { email, password });
assert.equal(status, 200);
const [created, patient] = await tryOut("patients-patients_create");
assert.deepEqual([created, patient.created_by, patient.name], [201, email, "John Doe"]);

// a form is filled in with the example, and what has none is left empty
const form = await tryOut("doctors-doctors_create", undefined, "application/x-www-form-urlencoded");
assert.deepEqual([form[0], form[1].name], [201, "Emily Carter"]);
await authorize((dialog) => dialog.getByText("Logout").click());
assert.equal((await tryOut("doctors-doctors_list"))[0], 401);
assert.match(faults.pop(), /401/);
await authorize(async (dialog) => {
  await dialog.locator("input").fill(access);
  await dialog.getByText("Authorize", { exact: true }).click();
});
const [, me] = await tryOut("auth-auth_me_retrieve");
assert.equal(me.email, email);
assert.deepEqual(faults, []);
await browser.close();
console.log("Chromium: registered, logged in, authorized, and added a patient");
