import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiPage } from './page.mjs';

const described = (name, kind, more = {}) => ({
  name,
  kind,
  signatures: [`${kind} ${name}`],
  bases: [],
  members: [],
  description: `What ${name} is.`,
  parameters: [],
  returns: [],
  throws: [],
  examples: [],
  ...more,
});
const member = (name, kind, signature, more = {}) =>
  described(name, kind, { signatures: [signature], ...more });

const options = described('Options', 'interface', {
  members: [member('limit', 'property', 'limit?: number')],
});
const shop = described('Shop', 'interface', {
  bases: ['House<V>', 'AsyncDisposable'],
  members: [
    member('buy', 'method', 'buy(options: Options): Promise<void>', {
      parameters: [{ name: 'options', text: 'How it is bought.' }],
      returns: ['When it is paid.'],
      throws: ['`HIT_BUSY`.'],
      examples: ['await shop.buy();'],
    }),
  ],
});
const house = described('House', 'interface', { members: [member('enter', 'method', 'enter(): void')] });
const failure = described('Failure', 'class', {
  members: [member('is', 'method', 'static is(error: unknown): boolean')],
});
const enter = described('enter', 'function', {
  signatures: ['function enter(a: 1): void', 'function enter(a: 2): void'],
});

const page = apiPage([failure, options, shop, house, enter]);

test('what one calls comes first, then what it takes, then errors', () => {
  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, ['enter', 'Shop', 'House', 'Options', 'Failure']);
});

test('a method has its signature, description, parameters, errors, example and the types it takes', () => {
  const section = page.slice(page.indexOf('### shop.buy'), page.indexOf('## House'));
  for (const part of [
    '```ts\nbuy(options: Options): Promise<void>\n```',
    'What buy is.',
    '- `options`: How it is bought.',
    '*Returns* when it is paid.',
    '*Throws* `HIT_BUSY`.',
    'See [Options](#options).',
    '```ts\nawait shop.buy();\n```',
  ]) {
    assert.ok(section.includes(part), part);
  }
});

test('a field is one line, and every signature of a name is shown', () => {
  assert.match(page, /^- `limit\?: number`: What limit is\.$/m);
  assert.match(page, /function enter\(a: 1\): void\nfunction enter\(a: 2\): void/);
});

test('of what a declaration extends, what the package has itself is linked', () => {
  assert.match(page, /Has all of \[House\]\(#house\), and:/);
  assert.doesNotMatch(page, /\[AsyncDisposable\]/);
});

test('a document that a comment names is linked', () => {
  const named = described('Text', 'type', { description: 'See `docs/formats.md`.' });
  assert.match(apiPage([named]), /^See \[formats\.md\]\(formats\.md\)\.$/m);
});

test('the contents lead to every section and every method', () => {
  assert.match(page, /^- \[Shop\]\(#shop\): \[buy\]\(#shopbuy\)$/m);
  assert.match(page, /^- \[Failure\]\(#failure\): \[is\]\(#failureis\)$/m);
});
