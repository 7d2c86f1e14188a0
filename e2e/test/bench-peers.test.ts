/** What the bench says of peers: rounds, ratios, and what their tools print. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { holdContest, inOrderOf, rowOf } from '../load/peers/contest.ts'
import { readWrk } from '../load/peers/wrk.ts'
import { joinChunks } from '../support/http-socket.ts'
import { openWorkshop } from '../support/workshop.ts'

const turn = (perSecond: number, failed = 0) => ({
  answered: 10,
  failed,
  perSecond,
  p50: 1,
  p99: 2,
  microseconds: 1000 / perSecond,
  firstFailure: failed === 0 ? undefined : '503 busy',
})

t.test('ratios are medians of those within a round, not ratios of medians', async (t) => {
  // Of the ratios 2, 1 and 3; the medians are 20 and 20.
  const row = rowOf('other', [turn(10), turn(20), turn(30, 1)], [turn(20), turn(20), turn(90)])
  t.equal(row.ratios.perSecond, 2)
  t.equal(row.ratios.microseconds, 0.5)
  t.match(row, { side: 'other', perSecond: 20, failed: 1, firstFailure: '503 busy' })
})

t.test('each side begins a round in its turn, and no side is left out', async (t) => {
  const sides = ['a', 'b', 'c']
  t.same(
    [0, 1, 2, 3].map((round) => inOrderOf(round, sides).join('')),
    ['abc', 'bca', 'cab', 'abc'],
  )
})

t.test('a contest warms each side up, and prints ours first and the ratios behind the others', async (t) => {
  const asked: string[] = []
  const lines: string[] = []
  const kept: Readonly<Record<string, unknown>>[] = []
  const side = (name: string) => ({ name, pids: [process.pid] })
  await holdContest({
    title: 'work',
    sides: [side('ours'), side('theirs')],
    loads: [
      {
        name: 'load',
        run: async ({ name }) => {
          asked.push(name)
          return turn(name === 'ours' ? 60 : 20)
        },
      },
    ],
    rounds: 2,
    report: {
      say: (line) => void lines.push(line),
      header: () => {},
      row: () => {},
      keep: (fact) => void kept.push(fact),
      printJson: () => {},
    },
  })
  t.same(asked, ['ours', 'theirs', 'ours', 'theirs', 'theirs', 'ours'])
  const [, conditions, ours, theirs] = lines
  t.match(conditions, /^ {2}load, 2 rounds in turns, medians; load average \d+\.\d$/)
  t.notMatch(ours, /ours to it/)
  t.match(theirs, /^ {4}theirs .* 20\.0\/s .*ours to it: 3\.00 a second, p50 1\.00, p99 1\.00, µs /)
  t.match(kept, [
    { kind: 'peer', side: 'ours' },
    { kind: 'peer', side: 'theirs', ratios: { perSecond: 3 } },
  ])
})

t.test('what wrk prints is read, refusals and broken connections as failures', async (t) => {
  const printed = (more: string) => `Running 2s test @ http://127.0.0.1:1/tile/0/000
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.62ms    1.93ms  28.94ms   89.31%
    Req/Sec    35.64k     3.24k   41.17k    75.00%
  Latency Distribution
     50%  500.00us
     75%    1.62ms
     90%    3.71ms
     99%    1.20s 
  71234 requests in 2.01s, 564.92MB read
${more}Requests/sec:  35439.80
Transfer/sec:    281.05MB
`
  t.same(readWrk(printed('')), {
    answered: 71234,
    failed: 0,
    perSecond: 35439.8,
    p50: 0.5,
    p99: 1200,
    firstFailure: undefined,
  })
  const failing = readWrk(
    printed('  Socket errors: connect 0, read 1, write 0, timeout 2\n  Non-2xx or 3xx responses: 34\n'),
  )
  t.match(failing, {
    answered: 71200,
    failed: 37,
    firstFailure: '34 of another status, 3 broken connections',
  })
})

t.test('the frames of chunks are taken off, and a body without them is left alone', async (t) => {
  const joined = (text: string) => joinChunks(Buffer.from(text, 'latin1')).toString('latin1')
  t.equal(joined('4\r\n{"a"\r\nA\r\n:"\r\nb\r\nc"}\r\n0\r\n\r\n'), '{"a":"\r\nb\r\nc"}')
  t.equal(joined('{"a":1}'), '{"a":1}')
  t.equal(joined(''), '')
  t.throws(() => joined('2\r\n{}\r\nx\r\n'), { message: 'a chunk has no length' })
})

t.test('a workshop that may not install says what is not there', async (t) => {
  const cacheFolder = await mkdtemp(path.join(tmpdir(), 'sigstack-workshop-'))
  t.teardown(() => rm(cacheFolder, { recursive: true }))
  const workshop = openWorkshop({
    cacheFolder,
    environment: {},
    onProgress: (message) => t.fail(message),
    installedOnly: true,
  })
  await t.rejects(workshop.goInstall({ name: 'peer', module: 'example.org/peer', version: 'v1.0.0' }), {
    code: 'missing',
    message: 'peer-v1.0.0 is not installed',
  })
  await t.rejects(workshop.run('sigstack-no-such-program', []), {
    code: 'missing',
    message: 'sigstack-no-such-program is not on the PATH',
  })
})
