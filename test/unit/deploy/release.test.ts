// What a release is made of: versions that agree, a changelog that has them, and workflows that publish nothing without a home.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse as parseYaml } from 'yaml'
import { ROOT } from '../../support/root.js'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly needs?: string | readonly string[]
  readonly if?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly strategy?: { readonly matrix: { readonly node: readonly string[] } }
  readonly steps?: readonly Step[]
  readonly uses?: string
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const WORKFLOWS = readdirSync(join(ROOT, '.github/workflows'))
const CI = workflow('ci.yml')
const RELEASE = workflow('release.yml')
const PACKAGE: { version: string; engines: { node: string }; repository?: unknown } = JSON.parse(read('package.json'))
const { version } = PACKAGE

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function workflow(name: string): Workflow {
  return parseYaml(read(`.github/workflows/${name}`))
}

function jobsOf({ jobs }: Workflow): Job[] {
  return Object.values(jobs)
}

function commandsOf(job: Job): string[] {
  return (job.steps ?? []).flatMap(step => step.run ?? [])
}

/** A folder with a package.json and a CHANGELOG.md, for the scripts to run in. */
function folder(t: TestContext, manifest: object, changelog = '## [1.2.3] - 2026-01-02\n\nNew.\n'): string {
  const path = mkdtempSync(join(tmpdir(), 'echobahn-'))
  t.after(() => rmSync(path, { recursive: true }))
  writeFileSync(join(path, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(path, 'CHANGELOG.md'), changelog)
  return path
}

function run(cwd: string, script: string, argument: string) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, '.ci', script), [argument], { cwd, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('all files that name the version of the package agree', () => {
  const lock = JSON.parse(read('package-lock.json'))
  assert.deepEqual([lock.version, lock.packages[''].version], [version, version])
  assert.match(read('Dockerfile'), new RegExp(`^ARG VERSION=${version}$`, 'm'))
  for (const path of [
    'README.md',
    'docs/containers.md',
    'docs/kubernetes.md',
    'docs/systemd.md',
    'docker-compose.yml',
  ]) {
    const named = [...read(path).matchAll(/\bechobahn[:-](\d+\.\d+\.\d+)\b/g)].map(([, found]) => found)
    // The page of systemd goes on to a next version.
    const own = path === 'docs/systemd.md' ? named.slice(0, 1) : named
    assert.ok(own.length > 0, path)
    for (const found of own) assert.equal(found, version, path)
  }
})

test('the changelog has a section for what is to come, then one for this version, newest first', () => {
  const headings = read('CHANGELOG.md').match(/^## .*$/gm) ?? []
  assert.equal(headings[0], '## [Unreleased]')
  assert.match(headings[1], /^## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/)
  assert.ok(headings[1].startsWith(`## [${version}]`))
  const dates = headings.slice(1).map(heading => heading.slice(-10))
  assert.deepEqual(dates, dates.toSorted().reverse())
  const kinds = new Set(read('CHANGELOG.md').match(/^### .*$/gm))
  for (const kind of kinds) assert.match(kind, /^### (Added|Changed|Deprecated|Removed|Fixed|Security)$/)
})

test('a section of the changelog ends where the next begins, and is found by its whole version', t => {
  const changelog =
    '# C\n\n## [Unreleased]\n\nLater.\n\n## [1.2.3] - 2026-01-02\n\n### Added\n\n- It.\n\n## [1.2.30] - 2026-01-01\n\n- Old.\n'
  const path = folder(t, {}, changelog)
  assert.equal(run(path, 'changelog-section', '1.2.3').stdout, '### Added\n\n- It.\n')
  assert.equal(run(path, 'changelog-section', '1.2.30').stdout, '- Old.\n')
  for (const absent of ['1.2', '2.3', '1.2.4', '1x2.3', 'Unreleased']) {
    const { status, stdout, stderr } = run(path, 'changelog-section', absent)
    assert.deepEqual([status, stdout, stderr], [1, '', `CHANGELOG.md says nothing of ${absent}\n`])
  }
})

test('a version that the changelog has only a heading for has no section', t => {
  const path = folder(t, {}, '## [1.2.3] - 2026-01-02\n\n## [1.2.2] - 2026-01-01\n\n- Old.\n')
  assert.equal(run(path, 'changelog-section', '1.2.3').status, 1)
})

test('a release has a home once package.json names a repository on GitHub, and only then', t => {
  const homes: [unknown, string][] = [
    [undefined, ''],
    ['https://example.com/someone/echobahn', ''],
    ['github.com/someone', ''],
    ['https://github.com/someone/echobahn', 'someone/echobahn'],
    [{ type: 'git', url: 'git+https://github.com/some.one/echo-bahn.git' }, 'some.one/echo-bahn'],
    [{ type: 'git', url: 'git@github.com:someone/echobahn.git' }, 'someone/echobahn'],
  ]
  for (const [repository, home] of homes) {
    const { stdout } = run(folder(t, { version: '1.2.3', repository }), 'release-facts', 'v1.2.3')
    assert.equal(stdout, `version=1.2.3\nhome=${home}\n`)
  }
})

test('no release is made of a tag that is not that of the version, or that the changelog does not know', t => {
  const path = folder(t, { version: '1.2.3' })
  for (const tag of ['v1.2.4', '1.2.3', 'v1.2.3-rc.1'])
    assert.deepEqual(run(path, 'release-facts', tag), {
      status: 1,
      stdout: '',
      stderr: `package.json has version 1.2.3, which is not that of the tag ${tag}\n`,
    })
  const unknown = run(folder(t, { version: '1.2.4' }), 'release-facts', 'v1.2.4')
  assert.deepEqual([unknown.status, unknown.stdout], [1, ''])
})

test('the release that this version would be is known', () => {
  assert.match(run(ROOT, 'release-facts', `v${version}`).stdout, new RegExp(`^version=${version}\nhome=`))
})

for (const name of WORKFLOWS) {
  const { permissions, jobs } = workflow(name)
  const steps = Object.values(jobs).flatMap(job => job.steps ?? [])

  test(`${name}: foreign actions are pinned to a commit, and say which version that is`, () => {
    const lines = read(`.github/workflows/${name}`).match(/\buses: .*$/gm) ?? []
    assert.ok(lines.length > 0)
    for (const line of lines)
      assert.match(line, /^uses: (\.\/\.github\/workflows\/\w+\.yml|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/)
  })

  test(`${name}: nothing may be written but where a job says so, and no credential stays in a checkout`, () => {
    assert.deepEqual(permissions, { contents: 'read' })
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
      assert.equal(step.with?.['persist-credentials'], false)
  })

  test(`${name}: commands are given values by variables, since an expression would become part of the command`, () => {
    for (const { run: command } of steps) assert.ok(!command?.includes('${{'), command)
  })
}

test('CI runs what can be run by hand', () => {
  assert.deepEqual(commandsOf(CI.jobs.run), ['sudo env "PATH=$PATH" "HOME=$HOME" .ci/run'])
  assert.deepEqual(commandsOf(CI.jobs['other-nodes']), ['npm ci', 'npm run build:test', '.ci/other-nodes "$NODE"'])
  assert.deepEqual(Object.keys(CI.jobs), ['run', 'other-nodes'])
})

test('CI has the oldest Node that must work, and the others of .ci/other-nodes', () => {
  const [, others] = read('.ci/other-nodes').match(/^VERSIONS=\(([\d. ]+)\)$/m) ?? []
  assert.deepEqual(CI.jobs['other-nodes'].strategy?.matrix.node, others.split(' '))
  for (const job of jobsOf(CI)) {
    const node = job.steps?.find(({ uses }) => uses?.startsWith('actions/setup-node@'))
    assert.ok(String(node?.with?.['node-version']).startsWith(`${PACKAGE.engines.node.slice('>='.length)}.`))
  }
})

test('a release is tested first, and publishes only from the home that package.json names', () => {
  assert.deepEqual(RELEASE.on, { push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } })
  assert.equal(RELEASE.jobs.test.uses, './.github/workflows/ci.yml')
  assert.equal(RELEASE.jobs.files.needs, 'test')
  const writing = Object.entries(RELEASE.jobs).filter(([, { permissions = {} }]) =>
    Object.values(permissions).includes('write'),
  )
  assert.deepEqual(
    writing.map(([name]) => name),
    ['npm', 'image', 'page'],
  )
  for (const [name, job] of writing) {
    assert.equal(job.if, 'needs.files.outputs.home == github.repository', name)
    assert.ok([job.needs].flat().includes('files'), name)
  }
  const published = /\b(npm publish|docker (login|buildx)|gh release)\b/
  for (const job of [RELEASE.jobs.test, RELEASE.jobs.files])
    for (const command of commandsOf(job)) assert.doesNotMatch(command, published)
})

test('a release has provenance, an image for both processors, and the files that .ci/release-files makes', () => {
  assert.ok(commandsOf(RELEASE.jobs.npm).some(command => /^npm publish .* --provenance /.test(command)))
  assert.equal(RELEASE.jobs.npm.permissions?.['id-token'], 'write')
  const [build] = commandsOf(RELEASE.jobs.image).filter(command => command.startsWith('docker buildx build'))
  for (const part of ['--platform linux/amd64,linux/arm64', '--sbom=true', '--provenance=mode=max', 'VERSION=$VERSION'])
    assert.ok(build.includes(part), part)
  assert.ok(commandsOf(RELEASE.jobs.files).includes('.ci/release-files'))
  for (const job of [RELEASE.jobs.npm, RELEASE.jobs.page])
    assert.ok(commandsOf(job).includes('sha256sum --check SHA256SUMS'))
})

test('templates for issues are forms that GitHub reads', () => {
  for (const name of ['bug', 'feature']) {
    const form = parseYaml(read(`.github/ISSUE_TEMPLATE/${name}.yml`))
    assert.ok(form.name && form.description)
    const ids = form.body.flatMap((field: { type: string; id?: string }) => (field.type === 'markdown' ? [] : field.id))
    assert.ok(ids.length > 0 && new Set(ids).size === ids.length)
  }
})
