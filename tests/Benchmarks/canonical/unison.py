# Reads one bundle a line, writes the hash that unison signs, one a line.
import hashlib, json, sys

for line in sys.stdin.buffer:
    bundle = json.loads(line)
    del bundle["signature"]
    print(hashlib.sha256(json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode()).hexdigest())
