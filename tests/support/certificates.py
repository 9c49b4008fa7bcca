"""Keys and certificates for tests, made by the openssl command (ca-certificates brings it)."""

import ssl
import subprocess


def _openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Authority:
    """Signs certificates; everything is a file in `folder`."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", f"{name}.pem")

    def issue(self, name, common_name="localhost"):
        """name.pem and name.key, good for localhost and 127.0.0.1."""
        (self.folder / f"{name}.ext").write_text(
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        _openssl(self.folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", f"/CN={common_name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        _openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem",
                 "-CAkey", f"{self.name}.key", "-CAcreateserial", "-days", "2",
                 "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def client(self, certificate=None):
        """A client that trusts this authority and shows `certificate` if it has one."""
        context = ssl.create_default_context(cafile=str(self.folder / f"{self.name}.pem"))
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        return context
