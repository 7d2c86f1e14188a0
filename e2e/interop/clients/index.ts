import type { Client } from '../client.ts'
import { cosignV2 } from './cosign-v2.ts'
import { cosignV3 } from './cosign-v3.ts'
import { gitsign } from './gitsign.ts'
import { rekorCli } from './rekor-cli.ts'
import { rekorMonitor } from './rekor-monitor.ts'
import { sigstack } from './sigstack.ts'
import { sigstoreGo } from './sigstore-go.ts'
import { sigstoreJava } from './sigstore-java.ts'
import { sigstoreJs } from './sigstore-js.ts'
import { sigstorePython } from './sigstore-python.ts'
import { sigstoreRs } from './sigstore-rs.ts'
import { openssl, timestampCli } from './timestamp-tools.ts'

/** In the order of the matrix. */
export const allClients: readonly Client[] = [
  sigstoreJs,
  cosignV3,
  cosignV2,
  sigstorePython,
  sigstoreGo,
  sigstoreJava,
  sigstoreRs,
  gitsign,
  rekorCli,
  rekorMonitor,
  openssl,
  timestampCli,
  sigstack,
]
