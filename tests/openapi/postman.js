// A Postman collection of the document, as Postman's import makes it with the settings that README.md names, and newman's
// run of it against the server: every request in it is answered with the status that the document names first.

import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import newman from "newman";
import converter from "openapi-to-postmanv2";

const { SERVER, ACCESS } = process.env;
const data = await (await fetch(`${SERVER}/api/openapi.json`)).text();
const conversion = await promisify(converter.convertV2)(
  { type: "string", data },
  { folderStrategy: "Tags", parametersResolution: "Example", enableOptionalParameters: false },
);
if (!conversion.result) throw new Error(conversion.reason);
const collection = conversion.output[0].data;

// What is deleted can't be read afterwards, nor assigned: deletions come last, those of mappings first. After them come
// the requests that end logins: the others, one's own by its number, and then logging out and the end of the account, which
// are too late.
const pathOf = ({ request }) => `/${(request.url.path ?? []).join("/")}`.replace(/:(\w+)/g, "{$1}");
const ENDS = [
  "DELETE /api/auth/sessions/",
  "DELETE /api/auth/sessions/{id}/",
  "POST /api/auth/logout/",
  "DELETE /api/auth/me/",
];
const label = (item) => `${item.request.method} ${pathOf(item)}`;
const isEnd = (item) => ENDS.includes(label(item));
const isDeletion = (item) => item.request.method === "DELETE" && !isEnd(item);
const requests = collection.item.flatMap(({ item }) => item);
const ends = requests.filter(isEnd).sort((one, other) => ENDS.indexOf(label(one)) - ENDS.indexOf(label(other)));
collection.item = [
  ...requests.filter((item) => !isDeletion(item) && !isEnd(item)),
  ...requests.filter(isDeletion).reverse(),
  ...ends,
];
await writeFile("built/collection.json", JSON.stringify(collection));

// The first status that the document names, but 401 for the example of a token, which is none, and for what is too late;
// and 404 for the API token of the number 1, which is a login's.
const { paths } = JSON.parse(data);
const UNAUTHENTICATED = /\/token\/|\/logout\/|DELETE \/api\/auth\/me\//;
const expected = new Map(
  requests.map((item) => {
    const path = pathOf(item);
    if (label(item) === "DELETE /api/auth/tokens/{id}/") return [item.id, 404];
    const [success] = Object.keys(paths[path][item.request.method.toLowerCase()].responses);
    return [item.id, UNAUTHENTICATED.test(label(item)) ? 401 : Number(success)];
  }),
);

const run = newman.run({
  collection,
  envVar: [
    { key: "baseUrl", value: SERVER },
    { key: "bearerToken", value: ACCESS },
  ],
});
const answered = new Set();
run.on("request", (error, { item, response }) => {
  if (error) throw error;
  if (response.code !== expected.get(item.id)) throw new Error(`${item.name} ${response.code} ${response.text()}`);
  answered.add(item.id);
});
run.on("done", (error) => {
  if (error || answered.size !== requests.length) throw error ?? new Error(`${answered.size} of ${requests.length}`);
  console.log(`newman: ${answered.size} requests, each answered as the document says`);
});
