// The API reference, made from the model's OpenAPI document.

import { get, token, url } from './api.js';
import { $, copier, fill, framed, h } from './dom.js';
import { allowed } from './gate.js';
import { jsonView } from './output.js';
import { snippet } from './request.js';
import { about, example, fieldsOf, follow, words } from './schema.js';

const anchor = (method, path) => `${method}${path}`.replace(/\W+/g, '-');
const bodyOf = (holder) => holder?.content?.['application/json']?.schema;
const isBare = (schema) => !Object.keys(schema || {}).length;

function route([path, method, operation]) {
  const schema = bodyOf(operation.requestBody);
  return h('section', { class: 'card route', id: anchor(method, path) },
    h('h2', {}, h('span', { class: 'method' }, method.toUpperCase()), path),
    h('p', { class: 'quiet' }, operation.description || operation.summary,
      operation['x-cog-streaming'] && ['; with ', h('code', {}, 'Accept: text/event-stream'), ' as server-sent events']),
    operation.parameters && [h('h3', {}, 'Parameters'), table(operation.parameters.map((each) => ({ schema: {}, ...each })))],
    schema && [h('h3', {}, 'Request'), shape(schema, true), h('h3', {}, 'Example'), curl(path, schema.properties?.input)],
    Object.entries(operation.responses || {}).map(([status, answer]) => [
      h('h3', {}, 'Response ', h('code', {}, status), h('span', { class: 'quiet' }, answer.description)),
      isBare(bodyOf(answer)) ? h('p', { class: 'quiet' }, 'JSON') : [shape(bodyOf(answer)),
        h('details', {}, h('summary', {}, 'Example'), jsonView(example(bodyOf(answer))))],
    ]));
}

// The shortest request that shows something: what is required, and what has a default.
function curl(path, schema) {
  const shown = fieldsOf(schema || {}).filter((each) => each.required || (each.schema.default ?? null) !== null);
  const input = Object.fromEntries(shown.map((each) => [each.name, example(each.schema)]));
  const text = snippet('curl', { url: url(path.slice(1)), input, secured: Boolean(token.get()) });
  return framed(h('pre', { tabindex: 0 }, text), copier(() => text, 'the example'));
}

function shape(schema, open) {
  const rows = fieldsOf(schema);
  return rows.length ? table(rows, open) : h('p', { class: 'quiet' }, words(schema));
}

function table(rows, open) {
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Fields' }, h('table', {}, rows.map((row) => {
    const { schema } = row;
    const inner = [schema, schema.items].find((each) => each?.properties);
    return h('tr', {},
      h('td', {}, h('code', {}, row.name), row.required && h('span', { class: 'tag' }, 'required')),
      h('td', {}, row.in && `${row.in}, `, schema.properties ? 'object' : words(schema), schema.nullable && ', may be null',
        (schema.default ?? null) !== null && [', default ', h('code', {}, JSON.stringify(schema.default))],
        about(schema) && h('div', { class: 'quiet' }, about(schema)),
        schema.enum && h('div', { class: 'quiet' }, schema.enum.map((each) => JSON.stringify(each)).join(', ')),
        inner && h('details', { open }, h('summary', {}, 'Fields'), shape(inner, open))));
  })));
}

// What people came for goes first.
const rank = ([path, , operation]) => (operation.requestBody ? 0 : path.includes('{') ? 1 : 2);

allowed(() => get('openapi.json')).then((found) => {
  const paths = follow(found.paths, found.components?.schemas || {});
  const routes = Object.entries(paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => [path, method, operation]))
    .sort((one, other) => rank(one) - rank(other));
  fill($('routes'), routes.map(route));
  fill($('contents'), routes.map(([path, method]) => h('a', { href: `#${anchor(method, path)}` },
    h('span', { class: 'method' }, method.toUpperCase()), h('span', {}, path))), h('a', { href: '#more' }, 'Also answered'));
}).catch((problem) => {
  fill($('routes'), h('p', { class: 'problem card route' }, `There is no description of this model: ${problem.message}`));
});
