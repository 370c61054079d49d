import { connectors } from '../lib/connectors/index.ts';
import { buildApp } from '../lib/infra/app.ts';
import { stages } from '../lib/infra/stage.ts';

buildApp({ stages: Object.values(stages), connectors: Object.values(connectors) }).synth();
