import { writeFileSync } from 'node:fs'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { prepareDataDirectory } from '../src/data-directory.ts'
import { exposedTrialWord } from '../src/trial.ts'

const file = `${t.testdir()}/issuers.json`
writeFileSync(
  file,
  JSON.stringify({
    'oidc-issuers': { 'https://login.example.com': { 'client-id': 'sigstore', type: 'email' } },
  }),
)
const issuers = { SIGSTACK_CA_CONFIG_FILE: file }

t.test(
  'the trial issuer runs by itself only on loopback, and only without issuers of the operator',
  async (t) => {
    for (const host of ['127.0.0.1', '127.0.0.2', 'localhost'])
      t.equal(readConfig({ SIGSTACK_HOST: host }).trial, true, host)
    t.equal(readConfig(issuers).trial, false, 'a file of issuers is no trial any more')
    t.equal(readConfig({ ...issuers, SIGSTACK_TRIAL: '1' }).trial, true, 'unless somebody asks for it')
    t.equal(readConfig({ ...issuers, SIGSTACK_HOST: '10.77.0.1' }).trial, false)
  },
)

t.test('where others reach the stack, the trial issuer needs two words', async (t) => {
  const network = { SIGSTACK_HOST: '0.0.0.0' }
  for (const more of [{}, issuers]) {
    t.throws(() => readConfig({ ...network, ...more, SIGSTACK_TRIAL: '1' }), {
      message: /signs in anyone as anyone.*SIGSTACK_HOST=0\.0\.0\.0.*SIGSTACK_TRIAL_EXPOSED=/,
    })
    t.throws(
      () => readConfig({ ...network, ...more, SIGSTACK_TRIAL: '1', SIGSTACK_TRIAL_EXPOSED: '1' }),
      { message: /SIGSTACK_TRIAL_EXPOSED=/ },
      'another word is not the word',
    )
  }
  const words = { SIGSTACK_TRIAL: '1', SIGSTACK_TRIAL_EXPOSED: exposedTrialWord }
  t.equal(readConfig({ ...network, ...words }).trial, true)
  t.equal(readConfig({ ...network, ...issuers, SIGSTACK_TRIAL_EXPOSED: exposedTrialWord }).trial, false)
  t.throws(() => readConfig(network), { message: /SIGSTACK_CA_CONFIG_FILE.*SIGSTACK_HOST=0\.0\.0\.0/ })
})

t.test('what is bad is told at once, of the stack and of every service', async (t) => {
  const bad = { SIGSTACK_CA_PORT: 'x', LOG_LEVEL: 'loud', LOG_MAX_CHECKS: 'y', CA_LIMIT_PER_ADDRESS: 'often' }
  const error = t.throws(() => readConfig(bad)) as { complaints?: readonly string[] }
  const told = error.complaints?.map((sentence) => /^[A-Z_]+/.exec(sentence)?.[0]).toSorted()
  t.same(told, Object.keys(bad).toSorted(), 'each once')
})

t.test('a data folder that is a file is named as one', async (t) => {
  const place = t.testdir({ file: '' })
  for (const folder of [`${place}/file`, `${place}/file/below`])
    await t.rejects(prepareDataDirectory(folder), {
      message: /is a file, or lies in one; name a folder in SIGSTACK_DATA/,
    })
})

t.test('a service whose port is not named takes a free one where all others do', async (t) => {
  const free = {
    SIGSTACK_CA_PORT: '0',
    SIGSTACK_REKOR_PORT: '0',
    SIGSTACK_CT_PORT: '0',
    SIGSTACK_OIDC_PROXY_PORT: '0',
    SIGSTACK_DEV_ISSUER_PORT: '0',
    SIGSTACK_TRUST_PORT: '0',
  }
  t.equal(readConfig(free).ports.tsa, 0)
  t.equal(readConfig({ ...free, SIGSTACK_TSA_PORT: '4004' }).ports.tsa, 4004)
  t.equal(readConfig({ ...free, SIGSTACK_CA_PORT: '4005' }).ports.tsa, 3004)
})

t.test('a witness of the stack is given logs that it can tell apart', async (t) => {
  const both = { SIGSTACK_WITNESS: 'own', SIGSTACK_CT_PUBLIC_URL: 'http://127.0.0.1' }
  t.throws(() => readConfig(both), {
    message: /Rekor v2 and the CT log are both 127\.0\.0\.1.*SIGSTACK_REKOR_V2_PUBLIC_URL/,
  })
  const apart = [
    { SIGSTACK_REKOR_V2_PUBLIC_URL: 'http://localhost:7000' },
    { SIGSTACK_CT_PUBLIC_URL: 'http://127.0.0.1:6962' },
    { SIGSTACK_CT_LOG: 'none' },
    { SIGSTACK_WITNESS: 'none' },
    { SIGSTACK_REKOR: 'v1' },
  ]
  for (const more of apart) t.doesNotThrow(() => readConfig({ ...both, ...more }), JSON.stringify(more))
})
