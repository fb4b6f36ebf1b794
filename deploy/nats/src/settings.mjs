// The bridge's configuration: environment variables, secrets from the files that they name. Everything that is wrong is told at once.

import { readFileSync } from 'node:fs';

/** The configuration is wrong; the process ends with exit code 2. */
export class SettingsError extends Error {
  constructor(problems) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/**
 * Reads the settings.
 * @param {Record<string, string | undefined>} environment
 */
export function readSettings(environment) {
  const problems = [];
  const text = (name, fallback) => {
    const value = environment[name]?.trim() || fallback;
    if (value === undefined) {
      problems.push(`${name} is missing.`);
    }
    return value;
  };
  const name = (variable, fallback) => {
    const value = text(variable, fallback);
    if (value !== undefined && !NAME.test(value)) {
      problems.push(`${variable} '${value}' is no name (${NAME.source}).`);
    }
    return value;
  };
  const file = (variable, required) => {
    const path = required ? text(variable) : environment[variable]?.trim();
    if (!path) {
      return undefined;
    }
    try {
      return readFileSync(path);
    } catch (error) {
      problems.push(`${variable}: ${path} cannot be read (${error.code ?? error.message}).`);
      return undefined;
    }
  };
  const secret = (variable, required) => {
    const content = file(variable, required)?.toString('utf8').trim();
    if (content === '') {
      problems.push(`${variable}: the file is empty. An empty secret lets everyone in.`);
    }
    return content || undefined;
  };
  const seconds = (variable, fallback, max) => {
    const value = Number(text(variable, String(fallback)));
    if (!Number.isFinite(value) || value <= 0 || value > max) {
      problems.push(`${variable} is a number of seconds above 0, at most ${max}.`);
    }
    return value * 1000;
  };

  const settings = {
    server: origin(text('POLICY_SERVER', 'http://127.0.0.1:8080'), problems),
    key: secret('POLICY_KEY_FILE', true),
    tenant: name('POLICY_TENANT', 'default'),
    fleet: name('POLICY_FLEET'),
    nodes: (text('POLICY_NODES') ?? '').split(',').map((node) => node.trim()).filter(Boolean),
    secret: secret('HMAC_SECRET_FILE', true),
    toleranceMs: seconds('HMAC_TIMESTAMP_TOLERANCE', 300, 3600),
    stateFolder: text('BRIDGE_STATE'),
    listen: address(text('BRIDGE_LISTEN', '127.0.0.1:9478'), problems),
    nats: {
      servers: text('NATS_URL', 'nats://127.0.0.1:4222').split(',').map((server) => server.trim()),
      user: environment.NATS_USER?.trim() || undefined,
      pass: secret('NATS_PASS_FILE', false),
      token: secret('NATS_TOKEN_FILE', false),
      creds: file('NATS_CREDS_FILE', false),
      ca: file('NATS_CA_FILE', false),
      cert: file('NATS_CERT_FILE', false),
      certKey: file('NATS_CERT_KEY_FILE', false),
    },
  };
  for (const node of settings.nodes) {
    if (!NAME.test(node)) {
      problems.push(`POLICY_NODES: '${node}' is no name (${NAME.source}).`);
    }
  }
  for (const server of settings.nats.servers) {
    // An address with a password in it would end up in process lists and logs.
    if (server.includes('@')) {
      problems.push('NATS_URL holds a user: use NATS_USER with NATS_PASS_FILE, NATS_TOKEN_FILE or NATS_CREDS_FILE.');
    }
  }
  if (problems.length > 0) {
    throw new SettingsError(problems);
  }
  return settings;
}

function origin(value, problems) {
  try {
    const url = new URL(value);
    if ((url.protocol === 'http:' || url.protocol === 'https:') && url.pathname === '/' && !url.search && !url.username && !url.password) {
      return url.origin;
    }
  } catch {
    // Said below.
  }
  problems.push(`POLICY_SERVER '${value}' is no origin such as http://127.0.0.1:8080.`);
  return undefined;
}

function address(value, problems) {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(value);
  if (!match || Number(match[3]) > 65535) {
    problems.push(`BRIDGE_LISTEN '${value}' is no HOST:PORT.`);
    return undefined;
  }
  return { host: match[1] ?? match[2], port: Number(match[3]) };
}
