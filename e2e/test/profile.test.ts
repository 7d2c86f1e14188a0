import t from 'tap'
import { sharesOf } from '../load/profile.ts'

const node = (id: number, url: string, children: readonly number[] = [], functionName = '') => ({
  id,
  callFrame: { functionName, url },
  children,
})

t.test(
  'a sample counts for the innermost frame that is in an area; waiting and starting do not count',
  async (t) => {
    const shares = sharesOf({
      nodes: [
        node(1, '', [2, 6, 7, 8, 10]),
        node(2, 'file:///x/services/ca/src/fulcio/http/signing-certificate.ts', [3]),
        node(3, 'file:///x/services/ca/src/issuance/issue-certificate.ts', [4, 5]),
        node(4, 'file:///x/packages/crypto/src/signer.ts'),
        node(5, 'node:internal/crypto/hash'),
        node(6, '', [], '(idle)'),
        node(7, '', [], '(garbage collector)'),
        node(8, 'node:internal/modules/esm/loader', [9]),
        node(9, 'file:///x/services/ca/src/main.ts'),
        node(10, 'node:internal/timers'),
      ],
      samples: [4, 4, 5, 6, 7, 8, 10],
      timeDeltas: [300, 100, 300, 5000, 100, 5000, 200],
    })
    t.same(shares, [
      ['signatures made', 0.4],
      ['CA: precertificate, certificate, own check', 0.3],
      ['the rest of Node', 0.2],
      ['garbage collection', 0.1],
    ])
  },
)
