// The control plane's HTTP API: JSON with a key, no redirects, bounded answers, a time limit for each call.

const ANSWER_BYTES_MAX = 1024 * 1024;

/** There is no answer: no connection, a broken one, none in time, or one that says that it cannot now. */
export class UnreachableError extends Error {}

/** The answer is no. */
export class RefusedError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class ControlPlane {
  #origin;
  #key;
  #tenantPath;

  constructor({ server, key, tenant }) {
    this.#origin = server;
    this.#key = key;
    this.#tenantPath = `/v1/${encodeURIComponent(tenant)}`;
  }

  get(path, options) {
    return this.#call('GET', path, undefined, options);
  }

  post(path, body, options) {
    return this.#call('POST', path, body, options);
  }

  /** Opens something that goes on; the signal ends it. */
  async open(path, headers, signal) {
    const response = await this.#send('GET', path, undefined, headers, signal);
    if (!response.ok) {
      throw await refusalOf(response);
    }
    return response;
  }

  async #call(method, path, body, { timeoutMs = 5_000, idempotencyKey } = {}) {
    const headers = idempotencyKey ? { 'idempotency-key': idempotencyKey } : {};
    const response = await this.#send(method, path, body, headers, AbortSignal.timeout(timeoutMs));
    if (!response.ok) {
      throw await refusalOf(response);
    }
    return { status: response.status, body: await readJson(response) };
  }

  async #send(method, path, body, headers, signal) {
    try {
      return await fetch(this.#origin + this.#tenantPath + path, {
        method,
        signal,
        redirect: 'manual',
        headers: {
          authorization: `Bearer ${this.#key}`,
          'user-agent': 'orleans-policy-nats',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      throw new UnreachableError(`The control plane cannot be reached: ${error.cause?.message ?? error.message}`);
    }
  }
}

async function refusalOf(response) {
  let problem = {};
  try {
    problem = await readJson(response);
  } catch {
    // A proxy's page, say: the status is all there is to tell.
  }
  const message = String(problem.detail ?? problem.title ?? `The control plane answered ${response.status}.`);
  return response.status >= 500
    ? new UnreachableError(message)
    : new RefusedError(response.status, String(problem.code ?? `http.${response.status}`), message);
}

async function readJson(response) {
  const chunks = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) {
        throw new Error(`it is larger than ${ANSWER_BYTES_MAX} bytes`);
      }
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new UnreachableError(`The answer cannot be read: ${error.message}`);
  }
}
