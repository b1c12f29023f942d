// What both scripts have in common: a browser that notes every fault of a page, and the clinic that they work on.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const { SERVER, OWNER, CHROMIUM = "/usr/bin/chromium" } = process.env;
export const ADMIN = `${SERVER}/admin/`;
export const PASSWORD = "StrongPass123";

export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });

/** A page whose faults are collected: messages of errors, requests that failed, and requests to elsewhere. */
export async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  // the browser itself reports the statuses that are meant: a form with errors, nothing there, and a conflict
  page.on("console", (message) => message.type() === "error" && !/status of (400|404|409)/.test(message.text()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => request.url().startsWith(SERVER) || faults.push(`elsewhere: ${request.url()}`));
  return { page, close: async () => { assert.deepEqual(faults, []); await context.close(); } };
}

/** Logs in as the superuser. */
export async function logIn(page, path = "") {
  await page.goto(ADMIN + path);
  assert.match(page.url(), /\/admin\/login\/\?next=/);
  await page.getByLabel("E-mail or username").fill("root@example.com");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  assert.equal(page.url(), ADMIN + path);
}

/** The owner sends a request to the API. */
export async function asOwner(method, path, body) {
  const headers = { authorization: `Bearer ${OWNER}`, "content-type": "application/json" };
  const answer = await fetch(`${SERVER}/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** A patient of the owner's. */
export const patient = (changes) => ({
  first_name: "Jane", last_name: "Doe", date_of_birth: "1985-06-15", gender: "F", phone_number: "5550100",
  email: "jane@example.org", address: "12 Linden Street", medical_history: "Penicillin allergy.\nStable.", ...changes,
});
