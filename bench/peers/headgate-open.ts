import { none } from '../../lib/core/connector/connector.ts';
import { peersConnector } from './headgate-streams.ts';

/** The API without authorization. */
export default peersConnector(none());
