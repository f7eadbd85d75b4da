import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportedDeclarations } from './declarations.mjs';

const declarations = new Map(exportedDeclarations().map((one) => [one.name, one]));
const member = (name, of) => declarations.get(name).members.find((one) => one.name === of);

test('overloads are kept together, without the implementation', () => {
  const { kind, signatures, description, examples } = declarations.get('open');
  assert.equal(kind, 'function');
  assert.equal(signatures.length, 3);
  assert.ok(signatures.every((signature) => signature.startsWith('function open<')));
  assert.match(description, /^Opens a store/);
  assert.match(examples[0], /await open\('\.\/data'\)/);
  assert.equal(member('View', 'increment').signatures.length, 2);
});

test('members come with their signature, description and errors', () => {
  const { kind, signatures, description, throws } = member('View', 'getEntry');
  assert.equal(kind, 'method');
  assert.deepEqual(signatures, ['getEntry(key: Key): Promise<Entry<V> | undefined>']);
  assert.match(description, /expiry/);
  assert.equal(throws.length, 1);
  assert.deepEqual(member('OpenOptions', 'readOnly').signatures, ['readOnly?: boolean']);
});

test('what is internal is left out', () => {
  assert.equal(member('HitError', 'constructor'), undefined);
  assert.ok(member('HitError', 'is'));
  assert.ok(!declarations.has('engineOf'));
});

test('what a declaration extends is known', () => {
  assert.deepEqual(declarations.get('Store').bases, ['View<V, K>', 'AsyncDisposable']);
});
