import { expect } from 'vitest';
import * as kinds from '../../src/native/operation.js';

export interface Read {
  kind: number;
  key: string;
  value?: string;
  integer?: bigint;
}

/** Reads what a slab holds, as the addon does. */
export function readOperations(bytes: Buffer): Read[] {
  const operations: Read[] = [];
  let at = 0;
  const length = () => {
    for (let shift = 0, sum = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      sum |= (byte & 0x7f) << shift;
      if (byte < 0x80) return sum;
    }
  };
  const text = (bytesOfIt: number) => {
    at += bytesOfIt;
    return bytes.toString('utf8', at - bytesOfIt, at);
  };
  while (at < bytes.length) {
    const kind = bytes[at++] as number;
    const keyBytes = length();
    const valueBytes = kinds.hasValue(kind) ? length() : undefined;
    let integer: bigint | undefined;
    if (kinds.hasInteger(kind)) {
      integer = bytes.readBigInt64LE(at);
      at += 8;
    }
    operations.push({
      kind,
      key: text(keyBytes),
      ...(valueBytes === undefined ? {} : { value: text(valueBytes) }),
      ...(integer === undefined ? {} : { integer }),
    });
  }
  expect(at).toBe(bytes.length);
  return operations;
}
