// The package as npm publishes it: packed, installed into an empty folder, and run from there.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { EchoPeer } from '../support/echo-peer.js'
import { endWithUs } from '../support/watchdog.js'

const MANIFEST = createRequire(import.meta.url).resolve('#package.json')
const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8'))

describe('the installed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-'))
  const run = (cwd: string, command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

  before(() => {
    const packed = JSON.parse(run(dirname(MANIFEST), 'npm', 'pack', '--json', '--pack-destination', folder))
    run(folder, 'npm', 'init', '--yes')
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
    run(folder, 'npm', 'install', '--omit=dev', ...quiet, join(folder, packed[0].filename))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('knows its version', () => {
    assert.equal(run(folder, 'npx', '--no-install', 'echobahn', '--version'), `${version}\n`)
  })

  it('brings the program and no tests', () => {
    const files = run(folder, 'ls', join('node_modules', 'echobahn')).trim().split('\n')
    assert.ok(files.includes('dist'))
    assert.ok(!files.includes('src') && !files.includes('test'))
  })

  it('brings all of the console', () => {
    const built = join(dirname(MANIFEST), 'dist', 'console')
    const installed = join(folder, 'node_modules', 'echobahn', 'dist', 'console')
    const files = run(installed, 'find', '.', '-type', 'f').trim().split('\n').sort()
    assert.deepEqual(files, run(built, 'find', '.', '-type', 'f').trim().split('\n').sort())
    for (const file of ['index.html', 'main.js', 'console.css', 'icon.svg', 'vendor/uPlot.js', 'vendor/uPlot.LICENSE'])
      assert.ok(files.includes(`./${file}`), file)
  })

  it('brings no module that nothing in it loads', () => {
    const dist = join(folder, 'node_modules', 'echobahn', 'dist')
    const names = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))
    // Of a file of types nothing is left but this.
    const runs = (name: string) => !/^(\/\/.*\n)*export \{\};$/m.test(readFileSync(join(dist, name), 'utf8'))
    const loaded = new Set(
      names.flatMap(name =>
        [...readFileSync(join(dist, name), 'utf8').matchAll(/'(\.[^']+\.js)'/g)].map(([, to]) => join(name, '..', to)),
      ),
    )
    // What the program begins with, and what the console's page does.
    const entries = ['main.js', join('console', 'main.js')]
    assert.ok(names.length > 100)
    assert.deepEqual(
      names.filter(name => !entries.includes(name) && !loaded.has(name) && runs(name)),
      [],
    )
  })

  it('serves', async t => {
    const bin = join(folder, 'node_modules', '.bin', 'echobahn')
    const child = spawn(bin, ['--port', '0', '--admin-port', '0', '--workers', '2', '--offload', 'always'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    endWithUs(child)
    t.after(() => child.kill('SIGKILL'))
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    const [, url, , admin] = String(line).split(' ')
    const page = await fetch(admin, { headers: { accept: 'text/html' } })
    assert.match(await page.text(), /<script type="module" src="console\/main\.js">/)
    assert.equal((await fetch(`${admin}/console/main.js`)).status, 200)
    for (const perMessageDeflate of [false, true]) {
      const peer = await EchoPeer.open(url, { perMessageDeflate })
      await peer.echo()
      assert.equal(await peer.close(), 1000)
    }
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
})
