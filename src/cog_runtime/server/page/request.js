// The request as a program would make it.

export class FileValue {
  constructor(name, type) { this.name = name; this.type = type; }
}

export class SecretValue {
  constructor(name) { this.text = `YOUR_${name.toUpperCase()}`; }
}

export const LANGUAGES = ['curl', 'Python', 'JavaScript'];

// Writes a value with one spelling for each language; `spell` says how constants and files look.
function write(value, spell, indent = '') {
  if (value instanceof FileValue) return spell.file(value);
  if (value instanceof SecretValue) return spell.text(value.text);
  if (value === null || typeof value === 'boolean') return spell.constant(value);
  if (typeof value === 'string') return spell.text(value);
  if (typeof value !== 'object') return String(value);
  const isList = Array.isArray(value);
  const deeper = `${indent}${spell.step}`;
  const parts = isList
    ? value.map((each) => write(each, spell, deeper))
    : Object.entries(value).map(([name, each]) => `${spell.text(name)}: ${write(each, spell, deeper)}`);
  const [open, close] = isList ? '[]' : '{}';
  const flat = `${open}${parts.join(', ')}${close}`;
  if (flat.length + indent.length <= 68 && !flat.includes('\n')) return flat;
  const end = spell.trailing ? ',' : '';
  return `${open}\n${deeper}${parts.join(`,\n${deeper}`)}${end}\n${indent}${close}`;
}

function has(value, kind) {
  if (value instanceof kind) return true;
  return Boolean(value) && typeof value === 'object' && Object.values(value).some((each) => has(each, kind));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl({ url, input, secured }) {
  const files = has(input, FileValue);
  // In a here-document dollars, backticks and backslashes would mean something to the shell.
  const text = (value) => (files ? JSON.stringify(value).replace(/[\\$`]/g, '\\$&') : JSON.stringify(value));
  const body = write({ input }, {
    step: '  ',
    text,
    constant: String,
    file: ({ name, type }) => `"data:${type};base64,$(base64 < ${quoted(name)} | tr -d '\\n')"`,
  });
  const lines = [`curl -s ${quoted(url)}`, "-H 'Content-Type: application/json'"];
  if (secured) lines.push('-H "Authorization: Bearer $COG_AUTH_TOKEN"');
  const head = lines.join(' \\\n  ');
  return files ? `${head} \\\n  -d @- <<END\n${body}\nEND` : `${head} \\\n  -d ${quoted(body)}`;
}

function python({ url, input, secured }) {
  const files = has(input, FileValue);
  const body = write(input, {
    step: '    ',
    trailing: true,
    text: JSON.stringify,
    constant: (value) => ({ null: 'None', true: 'True', false: 'False' })[value],
    file: ({ name, type }) => `file(${JSON.stringify(name)}, ${JSON.stringify(type)})`,
  });
  return [
    files && 'import base64',
    'import json',
    secured && 'import os',
    files && 'from pathlib import Path',
    'from urllib.request import Request, urlopen',
    '',
    files && 'def file(name, kind):\n'
      + '    data = base64.b64encode(Path(name).read_bytes()).decode()\n'
      + '    return f"data:{kind};base64,{data}"\n',
    `inputs = ${body}`,
    'headers = {"Content-Type": "application/json"}',
    secured && 'headers["Authorization"] = "Bearer " + os.environ["COG_AUTH_TOKEN"]',
    `request = Request(${JSON.stringify(url)}, json.dumps({"input": inputs}).encode(), headers)`,
    'print(json.load(urlopen(request)))',
  ].filter((line) => line !== false).join('\n');
}

function javascript({ url, input, secured }) {
  const files = has(input, FileValue);
  const body = write(input, {
    step: '  ',
    trailing: true,
    text: JSON.stringify,
    constant: String,
    file: ({ name, type }) => `await file(${JSON.stringify(name)}, ${JSON.stringify(type)})`,
  });
  const token = secured ? '\n    Authorization: `Bearer ${process.env.COG_AUTH_TOKEN}`,' : '';
  return [
    files && 'import { readFile } from "node:fs/promises";\n\n'
      + 'const file = async (name, kind) =>\n'
      + '  `data:${kind};base64,${(await readFile(name)).toString("base64")}`;\n',
    `const input = ${body};`,
    `const answer = await fetch(${JSON.stringify(url)}, {`,
    '  method: "POST",',
    `  headers: {\n    "Content-Type": "application/json",${token}\n  },`,
    '  body: JSON.stringify({ input }),',
    '});',
    'console.log(await answer.json());',
  ].filter((line) => line !== false).join('\n');
}

export function snippet(language, request) {
  return { curl, Python: python, JavaScript: javascript }[language](request);
}
