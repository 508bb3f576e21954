#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "certificate.h"

#define PEM_MAX (64u << 10)
/* RFC 5280, 4.1.2.5: no well-defined end. */
#define FROM "700101000000Z"
#define UNTIL "99991231235959Z"

/* What the office's browsers may type. */
void
certificate_addresses(struct buf *out, const char *before)
{
	struct ifaddrs *all, *i;
	char text[INET6_ADDRSTRLEN];

	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i != NULL; i = i->ifa_next) {
		const struct sockaddr *a = i->ifa_addr;
		const void *bytes = NULL;

		if (a != NULL && a->sa_family == AF_INET)
			bytes = &((const struct sockaddr_in *)(const void *)a)
				     ->sin_addr;
		else if (a != NULL && a->sa_family == AF_INET6)
			bytes = &((const struct sockaddr_in6 *)(const void *)a)
				     ->sin6_addr;
		if (bytes != NULL && (i->ifa_flags & IFF_LOOPBACK) == 0 &&
		    inet_ntop(a->sa_family, bytes, text, sizeof(text)) != NULL)
			buf_printf(out, "%s%s", before, text);
	}
	freeifaddrs(all);
}

static int
set_names(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	struct buf alt = BUF_INIT;
	char host[256] = "localhost";
	X509_EXTENSION *ext;
	int ok;

	gethostname(host, sizeof(host) - 1);
	if (host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
			      "UVWXYZ0123456789.-")] != '\0')
		snprintf(host, sizeof(host), "localhost");
	if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)host, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, name) != 1)
		return 0;
	buf_printf(&alt, "DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1", host);
	certificate_addresses(&alt, ",IP:");
	ext = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, buf_str(&alt));
	buf_free(&alt);
	if (ext == NULL)
		return 0;
	ok = X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	uint64_t serial;

	digest_random(&serial, sizeof(serial));
	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) !=
		1 ||
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(x), FROM) != 1 ||
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(x), UNTIL) != 1 ||
	    X509_set_pubkey(x, key) != 1 || set_names(x) != 1 ||
	    X509_sign(x, key, EVP_sha256()) == 0) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static void
take(struct buf *out, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	buf_put(out, p, (size_t)n);
}

static int
make(struct buf *cert, struct buf *key, struct err *err)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x = pair == NULL ? NULL : make_certificate(pair);
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	bool ok;

	ok = x != NULL && c != NULL && k != NULL &&
	     PEM_write_bio_X509(c, x) == 1 &&
	     PEM_write_bio_PrivateKey(k, pair, NULL, NULL, 0, NULL, NULL) == 1;
	if (ok) {
		take(cert, c);
		take(key, k);
	}
	BIO_free(c);
	BIO_free(k);
	X509_free(x);
	EVP_PKEY_free(pair);
	return ok ? 0 : err_set(err, YZ_EIO, "no certificate could be made");
}

int
certificate_get(
    struct buf *cert, struct buf *key, const char *home, struct err *err)
{
	char *cert_path = mem_printf("%s/keys/console.crt", home);
	char *key_path = mem_printf("%s/keys/console.key", home);
	char *folder = mem_printf("%s/keys", home);
	int rc;

	rc = file_read(cert, cert_path, PEM_MAX, err);
	if (rc == 0)
		rc = file_read(key, key_path, PEM_MAX, err);
	else if (rc == YZ_ENOTFOUND) {
		rc = make(cert, key, err);
		/* Before there is a station there are no keys. */
		if (rc == 0 && mkdir(folder, 0700) != 0 && errno != EEXIST)
			rc = err_sys(err, "%s", folder);
		if (rc == 0)
			rc = file_write(key_path, key->b, key->len, 0600, err);
		if (rc == 0)
			rc = file_write(
			    cert_path, cert->b, cert->len, 0600, err);
	}
	free(cert_path);
	free(key_path);
	free(folder);
	return rc;
}

int
certificate_print(
    char out[CERTIFICATE_PRINT_LEN + 1], const char *home, struct err *err)
{
	char *path = mem_printf("%s/keys/console.crt", home);
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf text = BUF_INIT;
	unsigned int n = 0, i;
	X509 *x = NULL;
	BIO *bio;
	int rc;

	rc = file_read(&text, path, PEM_MAX, err);
	if (rc == 0) {
		bio = BIO_new_mem_buf(text.b, (int)text.len);
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		BIO_free(bio);
		if (x == NULL || X509_digest(x, EVP_sha256(), sum, &n) != 1)
			rc = err_set(
			    err, YZ_ECORRUPT, "%s is no certificate", path);
	}
	for (i = 0; rc == 0 && i < n && 3 * i < CERTIFICATE_PRINT_LEN; i++)
		snprintf(
		    out + 3 * i, 4, "%02X%s", sum[i], i + 1 < n ? ":" : "");
	X509_free(x);
	buf_free(&text);
	free(path);
	return rc;
}

/* 0 if it is no time. */
static int64_t
to_ms(const ASN1_TIME *t)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	if (epoch == NULL || ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		days = seconds = 0;
	ASN1_TIME_free(epoch);
	return (days * 86400ll + seconds) * 1000;
}

/* Nobody is there to be asked for one. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)writing;
	(void)arg;
	if (size > 0)
		out[0] = '\0';
	return -1;
}

static int
look(struct certificate_look *out, const struct buf *cert,
    const struct buf *key, struct err *err)
{
	BIO *c = BIO_new_mem_buf(cert->b, (int)cert->len);
	BIO *k = BIO_new_mem_buf(key->b, (int)key->len);
	X509 *x = c == NULL ? NULL : PEM_read_bio_X509(c, NULL, NULL, NULL);
	EVP_PKEY *pair =
	    k == NULL ? NULL
		      : PEM_read_bio_PrivateKey(k, NULL, no_passphrase, NULL);
	ASN1_TIME *end = ASN1_TIME_new();
	int rc = 0;

	if (x == NULL)
		rc = err_set(err, YZ_ECORRUPT, "console.crt is no certificate");
	else if (pair == NULL)
		rc = err_set(err, YZ_ECORRUPT,
		    "console.key is no private key, or has a passphrase");
	else if (X509_check_private_key(x, pair) != 1)
		rc = err_set(err, YZ_ECORRUPT,
		    "console.key is not the key of console.crt");
	else {
		out->from = to_ms(X509_get0_notBefore(x));
		out->until = to_ms(X509_get0_notAfter(x));
		out->endless =
		    end != NULL && ASN1_TIME_set_string_X509(end, UNTIL) == 1 &&
		    ASN1_TIME_compare(end, X509_get0_notAfter(x)) == 0;
	}
	ASN1_TIME_free(end);
	X509_free(x);
	EVP_PKEY_free(pair);
	BIO_free(c);
	BIO_free(k);
	return rc;
}

int
certificate_look(
    struct certificate_look *out, const char *home, struct err *err)
{
	char *cert_path = mem_printf("%s/keys/console.crt", home);
	char *key_path = mem_printf("%s/keys/console.key", home);
	struct buf cert = BUF_INIT, key = BUF_INIT;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = file_read(&cert, cert_path, PEM_MAX, err);
	if (rc == 0) {
		rc = file_read(&key, key_path, PEM_MAX, err);
		if (rc == YZ_ENOTFOUND)
			rc = err_set(err, YZ_ECORRUPT,
			    "console.key is not beside console.crt");
	}
	if (rc == 0)
		rc = look(out, &cert, &key, err);
	if (key.b != NULL)
		explicit_bzero(key.b, key.len);
	buf_free(&cert);
	buf_free(&key);
	free(cert_path);
	free(key_path);
	return rc;
}
