/** The Workload API of SPIFFE, by a server of gRPC that we did not write, over a real socket. */
import path from 'node:path'
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { callSocket } from '@sigstack/http-client'
import t from 'tap'
import { ambientToken, type Surroundings } from '../src/index.ts'

const proto = `syntax = "proto3";
service SpiffeWorkloadAPI { rpc FetchJWTSVID(JWTSVIDRequest) returns (JWTSVIDResponse); }
message JWTSVIDRequest { repeated string audience = 1; string spiffe_id = 2; }
message JWTSVIDResponse { repeated JWTSVID svids = 1; }
message JWTSVID { string spiffe_id = 1; string svid = 2; string hint = 3; }
`
type Svid = { readonly spiffe_id?: string; readonly svid?: string; readonly hint?: string }
type Call = ServerUnaryCall<{ readonly audience: readonly string[] }, { readonly svids: readonly Svid[] }>
type Reply = sendUnaryData<{ readonly svids: readonly Svid[] }>

const folder = t.testdir({ 'workload.proto': proto })
const definition = loadPackageDefinition(
  loadSync(path.join(folder, 'workload.proto'), { keepCase: true }),
) as GrpcObject

let sockets = 0
async function agent(
  t: { teardown(action: () => void): unknown },
  answer: (call: Call, reply: Reply) => void,
): Promise<string> {
  const server = new Server()
  const { service } = definition['SpiffeWorkloadAPI'] as ServiceClientConstructor
  server.addService(service, { FetchJWTSVID: answer })
  const socket = path.join(folder, `${++sockets}.sock`)
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  )
  t.teardown(() => server.forceShutdown())
  return socket
}

function world(socket: string, call = callSocket): Surroundings {
  return {
    environment: { SPIFFE_ENDPOINT_SOCKET: `unix://${socket}` },
    exchange: () => Promise.reject(new Error('nobody is expected to be asked')),
    callSocket: call,
    isSocket: async () => false,
    readFile: async () => undefined,
  }
}

t.test('the agent gives a token for the audience sigstore', async (t) => {
  const asked: unknown[] = []
  // Longer than one byte tells, and not the only one.
  const svid = `e30.${'a'.repeat(3000)}.c2ln`
  const socket = await agent(t, (call, reply) => {
    asked.push(call.request, call.metadata.get('workload.spiffe.io'))
    reply(null, {
      svids: [
        { spiffe_id: 'spiffe://example.org/build', svid, hint: 'internal' },
        { spiffe_id: 'spiffe://example.org/other', svid: 'x.y.z' },
      ],
    })
  })
  t.same(await ambientToken(world(socket)), { token: svid, provider: 'spiffe' })
  t.match(asked, [{ audience: ['sigstore'] }, ['true']])
})

t.test('an agent that refuses, has none, or is none, is told of', async (t) => {
  const refusing = await agent(t, (_call, reply) => reply({ code: 7, details: 'no identity issued' }))
  await t.rejects(ambientToken(world(refusing)), { message: /knows no identity for this process$/ })
  const failing = await agent(t, (_call, reply) => reply({ code: 13, details: 'a\u001bb' }))
  await t.rejects(ambientToken(world(failing)), { message: /refuses with status 13: / })
  const empty = await agent(t, (_call, reply) => reply(null, { svids: [] }))
  await t.rejects(ambientToken(world(empty)), { message: /answers without one$/ })
  const huge = await agent(t, (_call, reply) => reply(null, { svids: [{ svid: 'a'.repeat(1 << 20) }] }))
  await t.rejects(ambientToken(world(huge)), { message: /more than \d+ bytes$/ })
  await t.rejects(ambientToken(world(path.join(folder, 'nobody.sock'))), {
    code: 'bad_token',
    message: /does not answer: ENOENT$/,
  })
  await t.rejects(
    ambientToken({ ...world(''), environment: { SPIFFE_ENDPOINT_SOCKET: 'tcp://1.2.3.4:5' } }),
    {
      message: /which is no unix:\/\/\/path$/,
    },
  )
})

t.test('an agent that never answers is waited for so long and no longer', async (t) => {
  const silent = await agent(t, () => {})
  const hasty: typeof callSocket = (socket, call) => callSocket(socket, { ...call, timeoutMs: 50 })
  await t.rejects(ambientToken(world(silent, hasty)), { message: /no whole answer within 50 ms$/ })
})

t.test('what is no message of the agent has no token in it', async (t) => {
  for (const bytes of [
    '',
    '0a',
    '0aff',
    '0a05',
    '0affffffffff7f',
    '08ff01',
    '0a0212ff',
    '1203616263',
    '0a00',
  ])
    await t.rejects(
      ambientToken(
        world('/agent.sock', async () => ({ status: 0, reason: '', message: Buffer.from(bytes, 'hex') })),
      ),
      { message: /answers without one$/ },
      bytes,
    )
})

t.test('the usual socket is asked where it is, and nobody where it is not', async (t) => {
  const asked: string[] = []
  const usual = (isThere: boolean): Surroundings => ({
    ...world(''),
    environment: {},
    isSocket: async () => isThere,
    callSocket: async (socket) => {
      asked.push(socket)
      return { status: 7, reason: '', message: Buffer.alloc(0) }
    },
  })
  t.equal(await ambientToken(usual(false)), undefined)
  t.same(asked, [])
  await t.rejects(ambientToken(usual(true)), { message: /knows no identity/ })
  t.same(asked, ['/tmp/spire-agent/public/api.sock'])
})
