// The nonces of envelopes that were obeyed, for as long as such an envelope could be obeyed again, over restarts: each is on disk
// before its command is carried out. Only signed envelopes come here, so a stranger cannot fill it.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NONCES_MAX = 100_000;
const LINE = /^(\d{1,16}) ([A-Za-z0-9_-]{16,128})$/;

export class NonceMemory {
  #path;
  #expiries = new Map();
  #written = 0;
  #clock;

  /** @throws {Error} Where the file says something else than nonces: forgetting would let old messages in. */
  constructor(folder, clock = Date.now) {
    this.#path = join(folder, 'nonces');
    this.#clock = clock;
    let text = '';
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error.code !== 'ENOENT') {
        throw error;
      }
    }
    // A last line without its end is one whose command was never carried out.
    for (const line of text.split('\n').slice(0, -1)) {
      const match = LINE.exec(line);
      if (!match) {
        throw new Error(`${this.#path} is damaged: '${line.slice(0, 80)}' is no nonce. Remove it only when HMAC_TIMESTAMP_TOLERANCE has passed.`);
      }
      this.#expiries.set(match[2], Number(match[1]));
    }
    this.#rewrite();
  }

  get size() {
    return this.#expiries.size;
  }

  has(nonce) {
    return this.#expiries.has(nonce);
  }

  /**
   * Remembers one, durably.
   * @throws {Error} Where that cannot be done: then its command must not be carried out.
   */
  add(nonce, expiresAtMs) {
    if (this.#expiries.size >= NONCES_MAX || this.#written >= 2 * NONCES_MAX) {
      this.#rewrite();
    }
    if (this.#expiries.size >= NONCES_MAX) {
      throw new Error(`${NONCES_MAX} nonces are remembered already.`);
    }
    const line = `${expiresAtMs} ${nonce}\n`;
    const written = this.#written;
    this.#written = Infinity; // Half a line may be left: then the file is written anew before the next one.
    const file = openSync(this.#path, 'a', 0o600);
    try {
      if (writeSync(file, line) !== line.length) {
        throw new Error(`${this.#path} took half a line.`);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#written = written + 1;
    this.#expiries.set(nonce, expiresAtMs);
  }

  // Leaves out what has run out.
  #rewrite() {
    const now = this.#clock();
    for (const [nonce, expiresAt] of this.#expiries) {
      if (expiresAt < now) {
        this.#expiries.delete(nonce);
      }
    }
    writeDurably(this.#path, [...this.#expiries].map(([nonce, expiresAt]) => `${expiresAt} ${nonce}\n`).join(''));
    this.#written = this.#expiries.size;
  }
}

/** Replaces a file's content, all of it or nothing, on disk when this returns. */
export function writeDurably(path, text) {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
