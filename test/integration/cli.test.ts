// The command as a user runs it: what it prints, and how it exits when it cannot start.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TlsFiles } from '../support/certificate.js'
import { Service, startService } from '../support/service.js'
import { WsClient } from '../support/ws-client.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end. */
async function run(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, stdout, stderr }
}

/** Nothing on stdout, and one line on stderr. */
function assertRejected({ code, stdout, stderr }: Outcome, exitCode: number, line: RegExp): void {
  assert.equal(code, exitCode, stderr)
  assert.equal(stdout, '')
  assert.match(stderr, /^echobahn: [^\n]+\n$/)
  assert.match(stderr, line)
}

test('--help lists every option', async () => {
  const { code, stdout, stderr } = await run(['--help'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^Usage: echobahn/)
  for (const flag of ['--port', '--max-message', '--context-takeover', '--admin-token', '--print-config'])
    assert.ok(stdout.includes(`  ${flag} `), flag)
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('#package.json'), 'utf8'))
  assert.deepEqual(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('--print-config is the configuration in force: flags before variables before defaults, secrets masked', async () => {
  const environment = { ECHOBAHN_PORT: '1234', ECHOBAHN_MAX_MESSAGE: '64kB', ECHOBAHN_ADMIN_TOKEN: 'hush-hush-hush' }
  const { code, stdout, stderr } = await run(
    ['--print-config', '--port', '4321', '--origin', 'http://a.example'],
    environment,
  )
  assert.deepEqual([code, stderr], [0, ''])
  const config = JSON.parse(stdout)
  assert.deepEqual(
    [config.port, config['max-message'], config['drain-timeout'], config.origin, config.path, config['admin-token']],
    [4321, 64_000, 10_000, ['http://a.example'], null, '***'],
  )
  assert.ok(!stdout.includes('hush'))
})

test('a bad option ends the start with 2 and one line', async t => {
  const files = new TlsFiles(t)
  const cases: [args: string[], line: RegExp, environment?: Record<string, string>][] = [
    [['--prot', '80'], /--prot.*did you mean --port\?/],
    [['--port', '70000'], /--port.*70000.*65535/],
    [['--max-message', '16Mib'], /--max-message.*16Mib/],
    [['--workers'], /--workers/],
    [['stray'], /stray/],
    [['--low-water-mark', '2MiB'], /--low-water-mark.*high-water-mark/],
    [['--tls-cert', files.cert], /--tls-cert.*tls-key/],
    [['--tls-cert', '/nowhere.crt', '--tls-key', files.key], /--tls-cert=\/nowhere\.crt: cannot be read \(ENOENT\)/],
    [['--tls-cert', files.key, '--tls-key', files.key], /--tls-cert=.*: not a PEM certificate/],
    [[], /ECHOBAHN_DEFLATE_LEVEL.*11/, { ECHOBAHN_DEFLATE_LEVEL: '11' }],
    [[], /ECHOBAHN_PROT/, { ECHOBAHN_PROT: '80' }],
  ]
  for (const [args, line, environment] of cases) {
    await t.test(`${Object.keys(environment ?? {})} ${args.map(arg => arg.split('/').pop()).join(' ')}`, async () => {
      assertRejected(await run(args, environment), 2, line)
    })
  }
})

test('a port in use ends the start with 1 and one line', async t => {
  const occupant = createServer().listen(0, '127.0.0.1')
  t.after(() => occupant.close())
  await once(occupant, 'listening')
  const { port } = occupant.address() as AddressInfo

  await t.test('the service port', async () => {
    const outcome = await run(['--port', String(port), '--admin-port', '0'])
    assertRejected(outcome, 1, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use`))
  })
  await t.test('the admin port', async () => {
    const outcome = await run(['--port', '0', '--admin-port', String(port)])
    assertRejected(outcome, 1, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use`))
  })
  await t.test('an address of another machine', async () => {
    assertRejected(
      await run(['--port', '0', '--host', '192.0.2.1']),
      1,
      /192\.0\.2\.1 is not an address of this machine/,
    )
  })
})

test('a start says where it listens, in one line, and logs JSON on stderr', async t => {
  const service = await startService(t, '--workers', '1', '--max-connections', '1000000000')
  assert.deepEqual(service.stdout, [
    `listening ws://127.0.0.1:${service.port} admin http://127.0.0.1:${service.adminPort}`,
  ])
  const warning = await service.logged(({ msg }) => msg.includes('ulimit -n'))
  assert.equal(warning.level, 40)
})

test('settings from the environment reach the workers', async t => {
  const service = new Service(['--workers', '1'], { ECHOBAHN_SUBPROTOCOL: 'chat,superchat' })
  t.after(() => service.stop())
  await service.listening()
  const client = await WsClient.open(t, service.url, {}, 'other', 'superchat')
  assert.equal(client.protocol, 'superchat')
})
