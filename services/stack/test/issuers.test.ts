import { parseIssuerConfigText } from '@sigstack/ca'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { createRoot, encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'
import { proxyIssuers, withTrialIssuer } from '../src/issuers.ts'

t.test(
  'the proxy is told of every issuer, and of the roots that the configuration names for one',
  async (t) => {
    const root = await createRoot({
      signer: createSigner(generateSigningKey()),
      commonName: 'root',
      organization: 'tests',
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2027-01-01T00:00:00Z'),
      serialNumber: Uint8Array.of(1),
    })
    const pem = encodeCertificatePem(root.der).trim()
    const trialIssuer = 'http://127.0.0.1:5558'
    const cluster = 'https://kubernetes.default.svc'
    const inside = 'http://login.internal:8080'
    const own = parseIssuerConfigText(
      JSON.stringify({
        'oidc-issuers': {
          'https://login.example.com': { 'client-id': 'sigstore', type: 'email', 'ca-cert': pem },
          [inside]: { 'client-id': 'sigstore', type: 'email' },
          [cluster]: { 'client-id': 'sigstore', type: 'kubernetes' },
          'https://eks.example': { 'client-id': 'sigstore', type: 'kubernetes' },
        },
      }),
    )
    t.same(
      proxyIssuers(withTrialIssuer(own, trialIssuer), { trialIssuer, privateIssuers: [inside, cluster] }),
      [
        { url: trialIssuer, allowPrivateNetwork: true, allowHttp: true },
        {
          url: 'https://login.example.com',
          caCertificate: pem,
          allowPrivateNetwork: false,
          allowHttp: false,
        },
        { url: inside, allowPrivateNetwork: true, allowHttp: true },
        { url: cluster, allowPrivateNetwork: true, allowHttp: false, serviceAccountToken: true },
        { url: 'https://eks.example', allowPrivateNetwork: false, allowHttp: false },
      ],
    )
    t.same(
      withTrialIssuer(undefined, trialIssuer).issuers.map(({ url }) => url),
      [trialIssuer],
    )
  },
)
