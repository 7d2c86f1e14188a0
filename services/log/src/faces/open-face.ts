/** The face that the environment asks for. */
import type { FaceContext, OpenFace } from '../face.ts'
import { openCt } from './ct/open.ts'
import { openRekorV1 } from './rekor-v1/open.ts'
import { openRekorV2 } from './rekor-v2/open.ts'

export function openFace(context: FaceContext): Promise<OpenFace> {
  const { face } = context.config
  switch (face.face) {
    case 'rekor-v1':
      return openRekorV1(face, context)
    case 'rekor-v2':
      return openRekorV2(face, context)
    case 'ct':
      return openCt(face, context)
  }
}
