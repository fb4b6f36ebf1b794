// Waits between attempts: doubling from the first to the last, drawn at random from the upper half.

import { setTimeout as sleep } from 'node:timers/promises';

export class Backoff {
  #failures = 0;

  constructor(firstMs, maxMs) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
  }

  /** Begins anew: something worked. */
  reset() {
    this.#failures = 0;
  }

  /** Waits as long as it is time to, or until the signal. */
  async wait(signal) {
    const bound = Math.min(this.firstMs * 2 ** Math.min(this.#failures++, 30), this.maxMs);
    await sleep(bound * (0.5 + Math.random() / 2), undefined, { signal });
  }
}
