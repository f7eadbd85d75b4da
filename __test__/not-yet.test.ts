import { expect, test } from 'vitest';
import { open } from '../index.js';
import { failure } from './failure.js';
import { closing, temporaryFolder } from './place.js';

test('what a store in files cannot do yet says so', async () => {
  const db = closing(await open(await temporaryFolder()));
  await db.set('key', 'value');
  for (const call of [() => db.compact(), () => db.verify(), () => db.backup('./backup')]) {
    expect(await failure(call)).toMatchObject({
      name: 'HitError',
      code: 'HIT_UNSUPPORTED',
      message: expect.stringMatching(/\w+ \w+/),
    });
  }
  expect(db.supports.backup).toBe(false);
  expect(await db.get('key')).toBe('value');
});

test.each([{ readOnly: true }, { resident: true }])(
  'opening with %o says that it is not there yet',
  async (options) => {
    const folder = await temporaryFolder();
    expect(await failure(() => open(`file:${folder}/store`, options))).toMatchObject({
      code: 'HIT_UNSUPPORTED',
    });
  },
);
