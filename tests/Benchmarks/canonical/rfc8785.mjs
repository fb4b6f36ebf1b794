// Reads one JSON document a line, writes the SHA-256 of its canonical form, one a line.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import canonicalize from 'canonicalize';

// Not by readline, which ends lines at U+2028 too.
const hashes = readFileSync(0, 'utf8').split('\n').filter(line => line !== '')
  .map(line => createHash('sha256').update(canonicalize(JSON.parse(line)), 'utf8').digest('hex'));
process.stdout.write(hashes.join('\n') + '\n');
