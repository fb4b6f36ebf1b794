// The tenant's events, as server-sent events: opened again whenever the stream ends, is cut or falls silent.

import { Backoff } from './backoff.mjs';
import { RefusedError } from './controlPlane.mjs';

// The control plane beats every ten seconds.
const SILENCE_MS_MAX = 25_000;
const EVENT_CHARS_MAX = 1_000_000;

export class EventStream {
  #controlPlane;
  #metrics;
  #log;
  #lastId;

  constructor(controlPlane, metrics, log) {
    this.#controlPlane = controlPlane;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Follows until the signal; `give(name, data)` is called for each event, in order. */
  async follow(give, signal) {
    const backoff = new Backoff(100, 5_000);
    while (!signal.aborted) {
      try {
        await this.#followOnce(give, signal, backoff);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        const level = error instanceof RefusedError ? 'error' : 'warn';
        this.#log[level]('events.lost', { code: error.code, message: error.message });
      }
      await backoff.wait(signal).catch(() => {});
    }
  }

  async #followOnce(give, signal, backoff) {
    const silence = new AbortController();
    const end = () => silence.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    const timer = setTimeout(() => silence.abort(new Error('it fell silent')), SILENCE_MS_MAX);
    let opened = false;
    try {
      const headers = { accept: 'text/event-stream', ...(this.#lastId ? { 'last-event-id': this.#lastId } : {}) };
      const response = await this.#controlPlane.open('/events', headers, silence.signal);
      for await (const line of linesOf(response.body)) {
        if (!opened) {
          // The first line, a beat, says that it listens: what happens from now on is told.
          opened = true;
          backoff.reset();
          this.#metrics.set('policy_nats_bridge_connected', 1, { side: 'events' });
          this.#log.info('events.followed');
        }
        timer.refresh();
        this.#take(line, give);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      silence.abort();
      this.#event = {};
      if (opened) {
        this.#metrics.set('policy_nats_bridge_connected', 0, { side: 'events' });
        this.#metrics.add('policy_nats_bridge_stream_gaps_total');
      }
    }
  }

  #event = {};

  #take(line, give) {
    if (line === '') {
      const { name, id, data } = this.#event;
      this.#event = {};
      if (data !== undefined) {
        give(name, JSON.parse(data));
      }
      // Only once it was taken: what was not is asked for again.
      this.#lastId = id ?? this.#lastId;
      return;
    }
    const colon = line.indexOf(': ');
    const value = line.slice(colon + 2);
    switch (line.slice(0, Math.max(colon, 0))) {
      case 'event':
        this.#event.name = value;
        break;
      case 'id':
        this.#event.id = value;
        break;
      case 'data':
        this.#event.data = value;
        break;
      default:
        break;
    }
  }
}

async function* linesOf(body) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let end;
    while ((end = rest.indexOf('\n')) >= 0) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
    if (rest.length > EVENT_CHARS_MAX) {
      throw new Error('an event is too long');
    }
  }
}
