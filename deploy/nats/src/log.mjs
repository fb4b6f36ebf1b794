// One line of JSON for each thing that happened. Lines about messages that were refused are bounded: whoever can send them must not
// be able to fill a disk.

const REFUSALS_MAX = 20;
const PERIOD_MS = 10_000;

export class Log {
  #write;
  #clock;
  #periodStart = 0;
  #refusals = 0;
  #left = 0;

  constructor(write = (line) => process.stdout.write(line), clock = Date.now) {
    this.#write = write;
    this.#clock = clock;
  }

  info(event, facts) {
    this.#line('info', event, facts);
  }

  warn(event, facts) {
    this.#line('warning', event, facts);
  }

  error(event, facts) {
    this.#line('error', event, facts);
  }

  /** A message that was refused: at most 20 lines in 10 s; how many were left out is said with the next one. */
  refused(facts) {
    const now = this.#clock();
    if (now - this.#periodStart >= PERIOD_MS || now < this.#periodStart) {
      this.#periodStart = now;
      this.#refusals = 0;
    }
    if (++this.#refusals > REFUSALS_MAX) {
      this.#left++;
      return;
    }
    this.#line('warning', 'message.refused', this.#left > 0 ? { ...facts, left_out_before: this.#left } : facts);
    this.#left = 0;
  }

  #line(level, event, facts) {
    this.#write(`${JSON.stringify({ at: new Date(this.#clock()).toISOString(), level, event, ...facts })}\n`);
  }
}
