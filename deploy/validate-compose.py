"""Checks that silos of a compose file listen for each other on a network that nobody else is on: each has an address of its own, a
name that only a network without a way out knows. A silo without one would take the smallest address that it has.

Called by deploy/validate: python3 validate-compose.py < what `docker compose config` writes. Needs python3-yaml.
"""
import sys

import yaml

composed = yaml.safe_load(sys.stdin)
wrong, addresses = [], []
for name, service in composed['services'].items():
    environment = service.get('environment') or {}
    if environment.get('Cluster__Mode') != 'AdoNet' or '--migrate-only' in (service.get('command') or []):
        continue
    address = environment.get('Cluster__AdvertisedAddress')
    addresses.append(address)
    networks = service.get('networks') or {}
    known_in = [network for network, options in networks.items() if address in ((options or {}).get('aliases') or [])]
    if address is None:
        wrong.append(f'{name} has no Cluster__AdvertisedAddress')
    elif address in composed['services'] or address in (service.get('hostname'), service.get('container_name')):
        wrong.append(f"{name} listens at {address}, which is its name on every network")
    elif len(known_in) != 1 or not (composed['networks'][known_in[0]] or {}).get('internal'):
        wrong.append(f'{name} listens at {address}, which is to be an alias on one network that is internal, not on {known_in}')
if len(set(addresses)) != len(addresses):
    wrong.append(f'silos share an address: {addresses}')
if not addresses:
    wrong.append('no silo of a cluster was found')
print('\n'.join(wrong), end='')
sys.exit(bool(wrong))
