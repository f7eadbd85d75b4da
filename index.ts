export { HitError } from './src/errors.js';
export { open } from './src/store.js';
export type {
  Capabilities,
  Check,
  DumpOptions,
  Durability,
  Entry,
  ErrorCode,
  Key,
  LoadOptions,
  OpenOptions,
  Operation,
  Progress,
  ProgressOptions,
  Range,
  RocksDbOptions,
  ScanOptions,
  Stats,
  Store,
  VerifyReport,
  View,
  WriteOptions,
} from './src/types.js';
export { verify } from './src/verify.js';
