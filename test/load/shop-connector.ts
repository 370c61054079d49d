import { shop } from './deliveries.ts';

export default shop();
