// What an editor offers in a stack file: asks a YAML language server with the schema of this repository.
//
//   node check.js SCHEMA LANGUAGE_SERVER
//
// Every key of every section has to be offered, with its description.
"use strict";
const { spawn } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { resolve } = require("node:path");
const { pathToFileURL } = require("node:url");

const [, , schemaFile, server] = process.argv;
const schema = JSON.parse(readFileSync(schemaFile, "utf8"));
const settings = {
  yaml: {
    schemas: { [pathToFileURL(resolve(schemaFile)).href]: "*.yaml" },
    completion: true, hover: true, validate: true, schemaStore: { enable: false },
  },
};

const child = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
let buffer = Buffer.alloc(0);
let nextId = 1;
const waiting = new Map();
const diagnostics = new Map();

function send(message) {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function request(method, params) {
  const id = nextId++;
  send({ id, method, params });
  return new Promise((done) => waiting.set(id, done));
}

child.stdout.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (;;) {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
    if (buffer.length < end + 4 + length) return;
    const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString());
    buffer = buffer.subarray(end + 4 + length);
    receive(message);
  }
});

function receive(message) {
  if (message.method === "workspace/configuration") {
    send({ id: message.id, result: message.params.items.map((item) => settings[item.section] ?? null) });
  } else if (message.method === "textDocument/publishDiagnostics") {
    const { uri } = message.params;
    const waiter = diagnostics.get(uri);
    if (waiter) waiter(message.params.diagnostics);
  } else if (message.method && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (waiting.has(message.id)) {
    waiting.get(message.id)(message.result);
    waiting.delete(message.id);
  }
}

let opened = 0;
function open(text) {
  const uri = `file:///stacks/${opened++}.yaml`;
  const judged = new Promise((done) => diagnostics.set(uri, done));
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  return { uri, judged };
}

// The object that a schema describes, behind references and alternatives.
function objectOf(of) {
  if (of.$ref) return objectOf(of.$ref.split("/").slice(1).reduce((at, key) => at[key], schema));
  if (of.properties || of.additionalProperties instanceof Object) return of;
  for (const list of ["anyOf", "oneOf", "allOf"]) {
    for (const inner of of[list] ?? []) {
      const found = objectOf(inner);
      if (found) return found;
    }
  }
  return undefined;
}

// Every map of a stack file with keys of its own: its path, and its keys.
function* maps(of, path) {
  const object = objectOf(of);
  if (!object || path.length > 5) return;
  const keys = Object.keys(object.properties ?? {});
  if (keys.length > 0) yield { path, keys };
  for (const key of keys) {
    if (path.length === 0 && key === "resources") continue;
    yield* maps(object.properties[key], [...path, key]);
  }
  if (object.additionalProperties instanceof Object && keys.length === 0) {
    yield* maps(object.additionalProperties, [...path, "example"]);
  }
}

// The keys that a file has before the cursor comes to it.
const HEAD = ["name", "environment", "region"];

async function offered(path) {
  const head = HEAD.map((key) => `${key}: x\n`).join("");
  const lines = path.map((key, depth) => `${"  ".repeat(depth)}${key}:\n`).join("");
  const indent = "  ".repeat(path.length);
  const text = `${head}${lines}${indent}`;
  const { uri, judged } = open(text);
  // Until then it may not have the schema.
  await judged;
  const position = { line: text.split("\n").length - 1, character: indent.length };
  const answer = await request("textDocument/completion", { textDocument: { uri }, position });
  return (answer?.items ?? answer ?? []).filter((item) => item.kind === 10);
}

(async () => {
  await request("initialize", {
    processId: process.pid, rootUri: null,
    capabilities: { workspace: { configuration: true, didChangeConfiguration: {} }, textDocument: { completion: { completionItem: { documentationFormat: ["markdown"] } } } },
  });
  send({ method: "initialized", params: {} });
  send({ method: "workspace/didChangeConfiguration", params: { settings } });
  let missing = 0;
  let silent = 0;
  let all = 0;
  for (const { path, keys } of maps(schema, [])) {
    const items = await offered(path);
    const labels = new Map(items.map((item) => [item.label, item]));
    const given = path.length === 0 ? HEAD : [];
    const lacking = keys.filter((key) => !labels.has(key) && !given.includes(key));
    const undocumented = keys.filter((key) => labels.has(key) && !(labels.get(key).documentation?.value ?? labels.get(key).documentation));
    all += keys.length - given.length;
    missing += lacking.length;
    silent += undocumented.length;
    const rest = [lacking.length ? `missing: ${lacking.join(", ")}` : "", undocumented.length ? `without description: ${undocumented.join(", ")}` : ""];
    console.log(`${path.join(".") || "(file)"}: ${keys.length - given.length - lacking.length} of ${keys.length - given.length} keys ${rest.filter(Boolean).join("; ")}`);
  }
  console.log(`${all - missing} of ${all} keys are offered, ${silent} of them without a description`);
  process.exitCode = all === 0 || missing + silent > 0 ? 1 : 0;
  child.kill();
})();
