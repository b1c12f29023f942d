// The documentation as it looks in Chromium, in light and dark, on a wide screen and on a narrow one: what is unfolded is
// about a screen high, nothing is scrolled sideways, and every text stands out from what is behind it. Leaves pictures in
// built/.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const { SERVER, CHROMIUM = "/usr/bin/chromium" } = process.env;
const OPERATIONS = ["patients-patients_list", "patients-patients_update", "auth-auth_login_create"];
const HIGHEST = { 1280: 1300, 390: 1900 };
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });

/** In the page: how many texts are seen, and those with a contrast below 4.5, the least that WCAG 2 (AA) takes. */
function faintTexts() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
    }
    const light = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
  };
  const contrast = (element) => {
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const [dark, light] = [paint(behind), paint([...behind, getComputedStyle(element).color])].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const elements = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility({ visibilityProperty: true })
    && (element.matches("input, select, textarea") || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())));
  const faint = elements.filter((element) => contrast(element) < 4.5);
  return [elements.length, faint.map((element) => `${contrast(element).toFixed(1)} ${element.outerHTML.slice(0, 120)}`)];
}

/** Unfolds an operation, and closes it again. */
async function unfold(page, operation, look) {
  const block = page.locator(`[id="operations-${operation}"]`);
  await block.locator(".opblock-summary-control").click();
  await block.locator(".responses-table .example").first().waitFor();
  await look(block);
  await block.locator(".opblock-summary-control").click();
}

/** What is folded is one click away, and types read as types. */
async function unfoldsEverything(page) {
  await unfold(page, OPERATIONS[0], async (block) => {
    const rows = block.locator(".parameters tbody tr");
    assert.equal(await rows.count(), 5);
    await block.getByRole("button", { name: /^\d+ more: / }).click();
    assert.equal(await rows.count(), 27);
    const type = (name) => block.locator(`[data-param-name="${name}"] .parameter__type > .word`).first().locator("..").innerText();
    assert.equal(await type("limit"), "integer");
    assert.equal(await type("date_of_birth__gt"), "date");
    assert.equal(await type("gender"), '"M" | "F" | "O"');
    await block.getByRole("button", { name: "It does not exist" }).click();
    assert.match(await block.locator('.response[data-code="404"] .microlight').innerText(), /"detail": /);
  });
  await unfold(page, OPERATIONS[1], async (block) => {
    await block.getByRole("tab", { name: "Schema" }).first().click();
    const types = await block.locator(".json-schema-2020-12-property .json-schema-2020-12__attribute").allInnerTexts();
    const text = "string";
    assert.deepEqual(types, [text, text, text, "date", "integer", '"M" | "F" | "O"', text, text, "email", text]);
    assert.deepEqual((await page.evaluate(faintTexts))[1], []);
  });
}

/** Opens the page and looks at it; the color behind it. */
async function lookAt(colorScheme, width) {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 1000 } });
  await page.goto(`${SERVER}/api/docs/`);
  await page.waitForSelector(".opblock");
  const picture = (name) => ({ path: `built/${name}-${colorScheme}-${width}.png` });
  await page.screenshot(picture("page"));
  for (const operation of OPERATIONS) {
    await unfold(page, operation, async (block) => {
      const { height } = await block.boundingBox();
      assert.ok(height <= HIGHEST[width], `${operation} is ${height} pixels high on a screen of ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      const [seen, faint] = await page.evaluate(faintTexts);
      assert.ok(seen > 100);
      assert.deepEqual(faint, []);
      await block.screenshot(picture(operation));
      console.log(`${operation}, ${colorScheme}: ${Math.round(height)} pixels high on a screen of ${width}`);
    });
  }
  await unfoldsEverything(page);
  await page.locator(".btn.authorize").first().click();
  assert.deepEqual((await page.evaluate(faintTexts))[1], []);
  await page.screenshot(picture("authorize"));
  const color = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.close();
  return color;
}

for (const width of [1280, 390]) {
  assert.deepEqual([await lookAt("light", width), await lookAt("dark", width)], ["rgb(255, 255, 255)", "rgb(20, 24, 31)"]);
}
await browser.close();
