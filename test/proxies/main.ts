// Runs real proxies in front of the service and prints what holds behind each: see test/proxies/run.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, replaceBlock } from '../support/readme-blocks.js'
import { CHECKS } from './checks.js'
import { Stage } from './stage.js'
import { configurationOf, WAYS, type Way } from './ways.js'

const PAGE = join(ROOT, 'docs/proxies.md')

/** Milliseconds for one check. */
const PATIENCE = 60_000

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, write: { type: 'boolean', default: false } },
})

const chosen = WAYS.filter(({ file }) => values.only === undefined || values.only.some(name => file.startsWith(name)))
const rows: string[][] = []
let failures = 0
for (const way of chosen) rows.push(await rowOf(way))
const table = tableOf([['proxy', 'it tells', ...Object.keys(CHECKS)], ...rows])
process.stdout.write(`${table}\n`)
if (values.write && chosen.length === WAYS.length)
  writeFileSync(PAGE, replaceBlock(readFileSync(PAGE, 'utf8'), 'proxies', table))
process.exitCode = failures === 0 ? 0 : 1

async function rowOf(way: Way): Promise<string[]> {
  const cells: string[] = [`${way.name} (${versionOf(way)})`, way.says]
  const stage = await Stage.set(way).catch((error: Error) => error)
  if (stage instanceof Error) {
    failures++
    process.stderr.write(`${way.name}: ${stage.message}\n`)
    return [...cells, ...Object.keys(CHECKS).map(() => 'no: it does not start')]
  }
  try {
    for (const [name, check] of Object.entries(CHECKS)) {
      const cell = await within(PATIENCE, check(stage)).catch((error: Error) => {
        failures++
        process.stderr.write(`${way.name}: ${name}: ${error.stack}\n${stage.proxy.output}\n`)
        return `no: ${error.message.split('\n')[0]}`
      })
      process.stderr.write(`${way.name}: ${name}: ${cell}\n`)
      cells.push(cell)
    }
  } finally {
    await stage.clear()
  }
  return cells
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not done in time')), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function versionOf(way: Way): string {
  const [program] = configurationOf(way).command
  const { stdout, stderr } = spawnSync(program, way.version, { encoding: 'utf8' })
  return /\d+\.\d+(?:\.\d+)?/.exec((stdout ?? '') + (stderr ?? ''))?.[0] ?? 'not there'
}

function tableOf([header, ...others]: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...others].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
