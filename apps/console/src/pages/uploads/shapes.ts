export const UPLOADS = '/api/uploads';
