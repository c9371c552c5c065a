// What the pods of the load Job do, without a cluster: the Job's own command line makes each log, and `merge` reads them
// through a kubectl that stands in.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { LoadFile } from '../support/load-command.js'
import { ROOT } from '../support/root.js'
import { startService } from '../support/service.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const FOLDER = 'deploy/kubernetes/load'
const { spec } = parse(readFileSync(join(ROOT, FOLDER, 'job.yaml'), 'utf8'))
const [{ command }] = spec.template.spec.containers
const PODS = 3
/** Fails for anything but what a Job of these pods is asked. */
const KUBECTL = `#!/bin/sh
case "$*" in
"get job echobahn-load --output jsonpath={.spec.completions}") printf ${PODS} ;;
"logs --tail=-1 --selector batch.kubernetes.io/job-name=echobahn-load,batch.kubernetes.io/job-completion-index="*)
  cat "$LOGS/\${4##*=}" ;;
*) exit 1 ;;
esac
`

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Programs that the Job and its merge find by name, and the logs of its pods. */
class Machine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'echobahn-job-'))
  readonly logs = join(this.#folder, 'logs')
  readonly #programs = join(this.#folder, 'bin')

  constructor(context: TestContext) {
    context.after(() => rmSync(this.#folder, { recursive: true }))
    mkdirSync(this.logs)
    mkdirSync(this.#programs)
    this.#program('kubectl', KUBECTL)
    this.#program('echobahn', `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  }

  #program(name: string, text: string): void {
    writeFileSync(join(this.#programs, name), text)
    chmodSync(join(this.#programs, name), 0o755)
  }

  run(program: string, ...args: string[]): Promise<Ran> {
    const env = { ...process.env, PATH: `${this.#programs}:${process.env.PATH}`, LOGS: this.logs, ECHOBAHN: 'echobahn' }
    return new Promise(resolve => {
      execFile(program, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  }

  /** A pod of the Job with its results in its log. @returns what it counted */
  async pod(index: number, ...args: string[]): Promise<LoadFile> {
    const [program, ...before] = command
    const { code, stdout, stderr } = await this.run(program, ...before, ...args)
    assert.deepEqual([code, stderr], [0, ''])
    writeFileSync(join(this.logs, String(index)), stdout)
    return JSON.parse(stdout.slice(stdout.indexOf('\n{\n')))
  }

  merge(...options: string[]): Promise<Ran> {
    return this.run(join(ROOT, FOLDER, 'merge'), ...options)
  }
}

test('the results of all pods are merged exactly', async t => {
  const { url } = await startService(t, '--workers', '1')
  const machine = new Machine(t)
  const load = (index: number): Promise<LoadFile> =>
    machine.pod(index, url, '--connections', '4', '--in-flight', '2', '--messages', String(100 * (index + 1)))
  const parts = await Promise.all(Array.from({ length: PODS }, (_, index) => load(index)))
  const { code, stdout } = await machine.merge('--json', '-')
  assert.equal(code, 0)
  const merged: LoadFile = JSON.parse(stdout)
  const sum = (count: (part: LoadFile) => number): number => parts.reduce((total, part) => total + count(part), 0)
  assert.equal(merged.counts.messages.echoed, 600)
  assert.equal(merged.counts.connections.opened, 4 * PODS)
  assert.equal(merged.summary.echo.count, 600)
  assert.equal(
    merged.traffic.received.octets,
    sum(({ traffic }) => traffic.received.octets),
  )
})

test('a pod without results is named, and nothing is merged', async t => {
  const machine = new Machine(t)
  for (const index of [0, 1, 2]) writeFileSync(join(machine.logs, String(index)), 'echobahn: ECONNREFUSED\n')
  const { code, stdout, stderr } = await machine.merge()
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /^pod 0 of 3 has no results/)
})
