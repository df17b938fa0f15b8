// Reading an OpenAPI document: what the model takes and gives, in words.

const DEEPEST = 8;

// The document with its references followed; what stands beside a reference goes before what it leads to.
export function follow(value, parts, depth = 0) {
  if (Array.isArray(value)) return value.map((each) => follow(each, parts, depth));
  if (!value || typeof value !== 'object') return value;
  const { $ref, allOf = [], ...own } = value;
  const others = depth > DEEPEST ? [] : $ref ? [parts[$ref.split('/').pop()]] : allOf;
  const found = Object.assign({}, ...others.map((each) => follow(each, parts, depth + 1)));
  for (const [name, each] of Object.entries(own)) found[name] = follow(each, parts, depth);
  return found;
}

// What can be asked for: predictions, trainings, or both.
export function kindsOf(document) {
  const parts = document.components?.schemas || {};
  return [
    ['Predict', 'predictions', 'Input', 'Output'],
    ['Train', 'trainings', 'TrainingInput', 'TrainingOutput'],
  ].filter(([, , input]) => parts[input]).map(([title, path, input, output]) => ({
    title,
    path,
    fields: fieldsOf(follow(parts[input], parts)),
    output: follow(parts[output] || {}, parts),
    streaming: Boolean(document.paths?.[`/${path}`]?.post?.['x-cog-streaming']),
  }));
}

// The properties of an object in the author's order.
export function fieldsOf({ properties = {}, required = [] }) {
  return Object.entries(properties)
    .map(([name, schema]) => ({ name, schema, title: titleOf(name, schema), required: required.includes(name) }))
    .sort((one, other) => (one.schema['x-order'] ?? 0) - (other.schema['x-order'] ?? 0));
}

function titleOf(name, { title }) {
  if (title && title !== name) return title;
  return name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ');
}

// Choices carry a text that says nothing, unless the author has written another one.
export const about = ({ description }) => (description === 'An enumeration.' ? '' : description);
export const isFile = (schema) => schema.type === 'string' && schema.format === 'uri';
export const isSecret = (schema) => Boolean(schema['x-cog-secret']) || schema.format === 'password';

// The kind of a value in a few words: "integer, 1 to 100".
export function words(schema) {
  if (schema.enum) return `one of ${schema.enum.length}`;
  if (schema.anyOf) return schema.anyOf.map(words).join(' or ');
  if (schema.type === 'array' && !schema.items?.type) return 'list';
  if (schema.type === 'array') return `list of ${words(schema.items).replace(/^(JSON object|\w+)/, '$1s')}`;
  return [noun(schema), ...limits(schema)].join(', ');
}

function noun(schema) {
  if (isFile(schema)) return 'file';
  if (isSecret(schema)) return 'secret';
  return { string: 'text', boolean: 'yes or no', object: 'JSON object' }[schema.type] || schema.type || 'any JSON';
}

function limits({ minimum, maximum, minLength, maxLength, pattern }) {
  const span = (least, most, unit) => {
    if (least === undefined && most === undefined) return false;
    if (most === undefined) return `${least} or more${unit}`;
    return least === undefined ? `${most}${unit} at most` : `${least} to ${most}${unit}`;
  };
  return [span(minimum, maximum, ''), span(minLength, maxLength, ' characters'), pattern && `like ${pattern}`].filter(Boolean);
}

// A value that fits, for people to read.
export function example(schema = {}) {
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(schema.anyOf[0]);
  if (schema.type === 'array') return [example(schema.items)];
  if (schema.properties) return Object.fromEntries(fieldsOf(schema).map((each) => [each.name, example(each.schema)]));
  if (isFile(schema)) return 'https://example.com/file';
  if (schema.format === 'date-time') return '2025-01-31T12:00:00Z';
  return { string: 'text', integer: schema.minimum ?? 1, number: schema.minimum ?? 0.5, boolean: true }[schema.type] ?? {};
}
