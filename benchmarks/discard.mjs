// Speaks enough of S3 to take objects, and keeps none: what is measured against it is the client.
import { createServer } from 'node:http';

const xml = text => `<?xml version="1.0" encoding="UTF-8"?>${text}`;
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    const etag = '"00000000000000000000000000000000"';
    if (request.method === 'PUT') {
      response.writeHead(200, { ETag: etag, 'Content-Length': 0 });
      response.end();
    } else if (request.method === 'HEAD') {
      response.writeHead(request.url.split('?')[0].split('/').length > 2 ? 404 : 200);
      response.end();
    } else {
      const body = request.url.includes('uploadId=')
        ? `<CompleteMultipartUploadResult><Key>k</Key><ETag>${etag}</ETag></CompleteMultipartUploadResult>`
        : request.method === 'POST'
          ? '<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>'
          : '<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>';
      response.writeHead(200, { 'Content-Type': 'application/xml' });
      response.end(xml(body));
    }
  });
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
