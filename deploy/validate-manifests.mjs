// Checks Kubernetes manifests against the schemas of their API versions, which the npm package kubernetes-models carries.
// Called by deploy/validate: node validate-manifests.mjs FOLDER < manifests.yaml, FOLDER being where npm installed it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = join(resolve(process.argv[2]), 'node_modules');
const load = (...path) => import(pathToFileURL(join(packages, ...path)).href);
const { default: yaml } = await load('yaml', 'dist', 'index.js');
let failed = 0, checked = 0;
for (const document of yaml.parseAllDocuments(readFileSync(0, 'utf8'), { uniqueKeys: true })) {
  for (const error of document.errors) {
    console.error(`YAML: ${error.message}`);
    failed++;
  }

  const object = document.toJS();
  if (!object) continue;
  checked++;
  try {
    const module = await load('kubernetes-models', object.apiVersion, `${object.kind}.js`);
    new module[object.kind](object).validate();
  } catch (error) {
    console.error(`${object.kind} ${object.metadata?.name}: ${error.message}`);
    failed++;
  }
}

if (failed === 0) console.log(`${checked} objects`);
process.exit(failed === 0 && checked > 0 ? 0 : 1);
