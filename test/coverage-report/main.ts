// npm run coverage: lines and branches of src that the unit tests and some integration tests run, folder by folder. Exits
// with 1 when a folder is below what it must have.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/readme-blocks.js'
import { foldersOf, renderFolders, type Summary, shortcomings } from './folders.js'

const REPORT = join(ROOT, '.cache/coverage')
const RESULTS = join(ROOT, '.cache/coverage.tap')
/** It ends threads while they load their modules, which takes so long while they are measured that it is no test. */
const NOT_MEASURED = new Set(['codec/codec-thread-start.test.js'])
/** Integration tests of what only whole processes run: wiring, start, drain, reload, crashes, TLS, the load command. */
const INTEGRATION = [
  'admin',
  'cli',
  'connections',
  'crash',
  'drain',
  'load',
  'metrics',
  'open-files',
  'primary',
  'reload',
  'start-failure',
  'tls',
]

/** Runs the tests under c8. @returns the exit code */
async function run(): Promise<number> {
  const unit = readdirSync(join(ROOT, '.build/test/unit'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.js') && !NOT_MEASURED.has(name))
    .map(name => `.build/test/unit/${name}`)
  const tests = [...unit, ...INTEGRATION.map(name => `.build/test/integration/${name}.test.js`)]
  const c8 = [join(ROOT, 'node_modules/c8/bin/c8.js'), '--all', '--src', '.build/src', '--include', '.build/src/**']
  const report = ['--temp-directory', join(REPORT, 'raw'), '--reports-dir', REPORT, '--reporter', 'json-summary']
  const output = ['--test-reporter=tap', '--test-reporter-destination', RESULTS]
  const runner = ['--test', '--test-concurrency=3', '--test-timeout=600000']
  const child = spawn(process.execPath, [...c8, ...report, process.execPath, ...runner, ...output, ...tests], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) console.error(`a test failed: see ${RESULTS}`)
  return code ?? 1
}

mkdirSync(REPORT, { recursive: true })
const code = await run()
const summary = JSON.parse(readFileSync(join(REPORT, 'coverage-summary.json'), 'utf8')) as Summary
const folders = foldersOf(summary, ROOT)
console.log(renderFolders(folders))
const missing = shortcomings(folders)
for (const line of missing) console.error(line)
process.exitCode = code !== 0 || missing.length > 0 ? 1 : 0
