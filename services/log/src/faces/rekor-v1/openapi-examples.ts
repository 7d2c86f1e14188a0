/** Bodies as they go over the wire, with long values cut, by the name of their schema. */

const treeId = '1193050959916656506'
const rootHash = '1f0d1e7b3b7e3c5a0ad3b6dd5b41e1ef4b0a6cf6f5f2b7e3c6a1d9f8e7b6a5c4'
const leafHash = '9c4f1d2e3b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0'
const digest = 'a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447'
const checkpoint = `rekor.example.org - ${treeId}\n42\nHw0eezt+PFoK07bd…\n\n— rekor.example.org wNI9ajBFAiEA…\n`
const entryId = `108e9186e8c5677a${leafHash}`

const proposal = {
  apiVersion: '0.0.1',
  kind: 'hashedrekord',
  spec: {
    data: { hash: { algorithm: 'sha256', value: digest } },
    signature: { content: 'MEUCIQDx…', publicKey: { content: 'LS0tLS1CRUdJTiBDRVJU…' } },
  },
}

const shard = { rootHash, signedTreeHead: checkpoint, treeID: treeId, treeSize: 42 }

export const examples: Readonly<Record<string, unknown>> = {
  Error: { code: 400, message: 'error processing entry: verifying signature: invalid signature' },
  LogInfo: { inactiveShards: [], ...shard },
  ShardInfo: shard,
  ConsistencyProof: { hashes: [leafHash], rootHash },
  ProposedEntry: proposal,
  LogEntry: {
    [entryId]: {
      body: 'eyJhcGlWZXJzaW9uIjoiMC4wLjEiLCJraW5kIjoi',
      integratedTime: 1772366400,
      logID: 'c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d',
      logIndex: 41,
      verification: {
        inclusionProof: { checkpoint, hashes: [leafHash], logIndex: 41, rootHash, treeSize: 42 },
        signedEntryTimestamp: 'MEUCIQDx',
      },
    },
  },
  RetrieveQuery: { entryUUIDs: [entryId] },
  IndexQuery: { hash: `sha256:${digest}` },
  SearchQuery: { digest: `sha256:${digest}`, issuer: 'https://accounts.example.com', limit: 10 },
  Texts: `sha256:${digest}`,
  SearchPage: {
    entries: [
      {
        log: 'rekor-v1',
        origin: 'rekor.example.org - 2605736670972794746',
        entryID: entryId,
        logIndex: 41,
        leafHash: digest,
        integratedTime: 1772366400,
        kind: 'hashedrekord',
        apiVersion: '0.0.1',
        subjects: ['dev@example.com'],
        issuers: ['https://accounts.example.com'],
        serialNumbers: ['2f1e3d'],
        keyHashes: [digest],
      },
    ],
    indexed: 42,
    logs: [{ log: 'rekor-v1', indexed: 42 }],
  },
}
