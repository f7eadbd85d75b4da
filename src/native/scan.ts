import type { EngineScan, KeyRange, Raw, ScanParts } from '../engine.js';
import { nativeError, notOpenError } from '../errors.js';
import { binding, type NativeStore } from './binding.js';
import { PartReader } from './values.js';

const PARTS: Record<ScanParts, number> = { keys: 1, values: 2, entries: 3 };

/** The first page is small, since many a scan wants few entries; the others carry what makes a call worth it. */
const FIRST_PAGE_ENTRIES = 16;
const PAGE_ENTRIES = 64;
const PAGE_BYTES = 64 * 1024;

/** Bits of `scanPage`'s answer: all of the page is ASCII, the next one waits for the disk, something can be read ahead. */
const ASCII = 0x40000000;
const DRY = 0x20000000;
const THIN = 0x10000000;
const ENTRIES = THIN - 1;

/**
 * The open scans of one handle. A scan that nobody holds any more is closed on garbage collection; what watches for
 * that holds this object and the addon's, not the store.
 */
export class Scans {
  readonly native: NativeStore;
  readonly textKeys: boolean;
  readonly textValues: boolean;
  /** All scans of a thread share one page: it is read off at once. */
  readonly words = new Uint32Array(2 * PAGE_ENTRIES);
  readonly page = Buffer.allocUnsafeSlow(PAGE_BYTES);
  readonly #open = new Set<number>();
  #closed = false;

  constructor(native: NativeStore, textKeys: boolean, textValues: boolean) {
    this.native = native;
    this.textKeys = textKeys;
    this.textValues = textValues;
  }

  /** Takes the snapshot. */
  open(range: KeyRange, parts: ScanParts, reverse: boolean): EngineScan {
    const id = native(() => this.native.scan(range.start, range.end, PARTS[parts], reverse));
    return this.#add(id, parts, false);
  }

  /** The same, on another thread where that takes long. A scan that reads ahead does so on another thread, from then on. */
  async openLater(
    range: KeyRange,
    parts: ScanParts,
    reverse: boolean,
    readsAhead: boolean,
  ): Promise<EngineScan> {
    const { start, end } = range;
    const opening = native(() => binding().scanLater(this.native, start, end, PARTS[parts], reverse));
    if (opening === null) {
      return this.#add(
        native(() => this.native.scan(start, end, PARTS[parts], reverse)),
        parts,
        readsAhead,
      );
    }
    const id = await opening.catch((error) => Promise.reject(nativeError(error)));
    if (!this.#closed) return this.#add(id, parts, readsAhead);
    this.native.scanClose(id);
    throw notOpenError(this.native.url);
  }

  #add(id: number, parts: ScanParts, readsAhead: boolean): EngineScan {
    this.#open.add(id);
    const scan = new NativeScan(this, id, parts, readsAhead);
    ABANDONED.register(scan, { scans: this, id }, scan);
    return scan;
  }

  isOpen(id: number): boolean {
    return this.#open.has(id);
  }

  close(id: number): void {
    if (this.#open.delete(id)) this.native.scanClose(id);
  }

  /** Closes all scans, and those that are being opened. */
  closeAll(): void {
    this.#closed = true;
    for (const id of this.#open) this.close(id);
  }
}

const ABANDONED = new FinalizationRegistry<{ scans: Scans; id: number }>(({ scans, id }) => scans.close(id));

class NativeScan implements EngineScan {
  readonly keys: Raw[] = [];
  readonly values: Raw[] = [];
  readonly #scans: Scans;
  readonly #id: number;
  readonly #wantsKeys: boolean;
  readonly #wantsValues: boolean;
  #page: Buffer;
  #limit = FIRST_PAGE_ENTRIES;
  #ended = false;
  readonly #readsAhead: boolean;
  /** Settles when what is being read ahead is there. */
  #reading: Promise<void> | undefined;
  /** There is nothing at hand for the next page. */
  #isDry = true;

  constructor(scans: Scans, id: number, parts: ScanParts, readsAhead: boolean) {
    this.#scans = scans;
    this.#id = id;
    this.#wantsKeys = parts !== 'values';
    this.#wantsValues = parts !== 'keys';
    this.#page = scans.page;
    this.#readsAhead = readsAhead;
    this.#readAhead();
  }

  ready(): Promise<void> | undefined {
    return this.#isDry ? this.#reading : undefined;
  }

  fill(): number {
    if (this.#ended) return 0;
    if (!this.#scans.isOpen(this.#id)) throw notOpenError(this.#scans.native.url);
    const answer = native(() => this.#readPage());
    const entries = answer & ENTRIES;
    this.#isDry = (answer & DRY) !== 0;
    if (entries === 0) this.close();
    else this.#readOff(entries, (answer & ASCII) !== 0);
    if ((answer & THIN) !== 0) this.#readAhead();
    return entries;
  }

  close(): void {
    this.#ended = true;
    ABANDONED.unregister(this);
    this.#scans.close(this.#id);
  }

  /** Has what comes next read while what is at hand is looked at. */
  #readAhead(): void {
    if (!this.#readsAhead || this.#reading !== undefined) return;
    this.#reading = this.#scans.native.scanAhead(this.#id)?.then(() => {
      this.#reading = undefined;
    });
  }

  #readPage(): number {
    const { native: store, words } = this.#scans;
    let answer = store.scanPage(this.#id, words, this.#limit, this.#page);
    if (answer < 0) {
      // A snapshot does not change, so this is the size. It stays with this scan: such values seldom come alone.
      this.#page = Buffer.allocUnsafeSlow(-answer);
      answer = store.scanPage(this.#id, words, this.#limit, this.#page);
    }
    this.#limit = PAGE_ENTRIES;
    return answer;
  }

  #readOff(entries: number, ascii: boolean): void {
    const { words, textKeys, textValues } = this.#scans;
    let length = 0;
    for (let word = 0; word < 2 * entries; word++) length += words[word] as number;
    const allText = (textKeys || !this.#wantsKeys) && (textValues || !this.#wantsValues);
    const parts = new PartReader(this.#page, 0, length, allText && ascii);
    for (let entry = 0; entry < entries; entry++) {
      if (this.#wantsKeys) {
        const bytes = words[2 * entry] as number;
        this.keys[entry] = textKeys ? parts.text(bytes) : parts.bytes(bytes);
      }
      if (this.#wantsValues) {
        const bytes = words[2 * entry + 1] as number;
        this.values[entry] = textValues ? parts.text(bytes) : parts.bytes(bytes);
      }
    }
  }
}

function native<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw nativeError(error);
  }
}
