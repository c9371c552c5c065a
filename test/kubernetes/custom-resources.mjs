// Custom resources against the types and validators that npm's @kubernetes-models have of their definitions:
// custom-resources.mjs FOLDER FILE..., where FOLDER has these packages in its node_modules.
//
// The validators look at types, patterns and what must be there, the compiler at names, of which it allows no other.

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseAllDocuments } from 'yaml'

const PACKAGES = {
  'monitoring.coreos.com': 'prometheus-operator',
  'traefik.io': 'traefik',
  'gateway.networking.k8s.io': 'gateway-api',
}

const [folder, ...files] = process.argv.slice(2)
const objects = files
  .flatMap(file => parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.toJS()))
  .filter(({ apiVersion }) => apiVersion.split('/')[0] in PACKAGES)
const typed = []
for (const object of objects) {
  const [group] = object.apiVersion.split('/')
  const module = `./node_modules/@kubernetes-models/${PACKAGES[group]}/${object.apiVersion}/${object.kind}.js`
  const { [object.kind]: Model } = await import(pathToFileURL(resolve(folder, module)))
  new Model(object).validate()
  typed.push(`{ const object: import('${module}').I${object.kind} = ${JSON.stringify(object)}; void object }`)
}
const source = resolve(folder, `objects-${process.pid}.mts`)
writeFileSync(source, `${typed.join('\n')}\nexport {}\n`)
try {
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--ignoreConfig',
    '--module',
    'nodenext',
    '--target',
    'es2022',
  ]
  execFileSync('node_modules/.bin/tsc', [...options, source], { stdio: 'inherit' })
} finally {
  rmSync(source)
}
