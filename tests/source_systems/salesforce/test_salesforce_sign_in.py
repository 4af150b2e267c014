from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr
from simulated_org import SimulatedOrg, account, everything, records_of

from orchestration.contracts.extraction import Connection
from orchestration.contracts.model import Contract
from orchestration.failures import AuthenticationFailed, ConnectionFailed, SettingsError
from source_systems.salesforce.extract import connect
from source_systems.salesforce.org import Patience
from source_systems.salesforce.simulator import switches

QUICK = Patience(first_wait=0.001, read=5)
WRONG = "not-the-right-one-9f2"
USER = "integration@acme.example"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def with_settings(org: SimulatedOrg, **settings: str | None) -> Connection:
    merged = dict(org.connection.settings) | {name: SecretStr(value) for name, value in settings.items() if value}
    kept = {name: value for name, value in merged.items() if settings.get(name, "") is not None}
    return replace(org.connection, settings=kept)


def by_jwt(org: SimulatedOrg, key: rsa.RSAPrivateKey, folder: Path) -> Connection:
    path = folder / "key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return with_settings(org, client_secret=None, username=USER, private_key_file=str(path))


def trust(org: SimulatedOrg, key: rsa.RSAPrivateKey) -> None:
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    switches.trust(org.address, org.place, USER, public.decode())


def count(connection: Connection, contracts: dict[str, Contract]) -> int:
    with connect(connection, QUICK) as extractor:
        return extractor.count(contracts["account"])


def everything_said(error: pytest.ExceptionInfo[BaseException]) -> str:
    return "".join(traceback.format_exception(error.value)) + repr(error.value)


def test_client_credentials_open_a_session(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    org.write([account(1)])
    assert count(org.connection, contracts) == 1


def test_a_signed_assertion_opens_a_session(
    org: SimulatedOrg, contracts: dict[str, Contract], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    org.write([account(1), account(2)])
    trust(org, key)
    assert count(by_jwt(org, key, tmp_path), contracts) == 2


def test_an_assertion_of_an_unknown_user_is_refused(
    org: SimulatedOrg, contracts: dict[str, Contract], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    with pytest.raises(AuthenticationFailed, match="invalid_grant: user hasn't approved this consumer"):
        count(by_jwt(org, key, tmp_path), contracts)


def test_an_assertion_signed_with_another_key_is_refused(
    org: SimulatedOrg, contracts: dict[str, Contract], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    trust(org, rsa.generate_private_key(65537, 2048))
    with pytest.raises(AuthenticationFailed, match="invalid_grant: invalid assertion"):
        count(by_jwt(org, key, tmp_path), contracts)


def test_a_wrong_secret_is_refused_and_not_repeated_in_the_error(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    with pytest.raises(AuthenticationFailed, match="acme/salesforce: the sign-in was refused: invalid_client") as error:
        count(with_settings(org, client_secret=WRONG), contracts)
    assert WRONG not in everything_said(error)


def test_an_unknown_consumer_key_is_refused_and_not_repeated_in_the_error(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    with pytest.raises(AuthenticationFailed, match="invalid_client_id") as error:
        count(with_settings(org, client_id=WRONG), contracts)
    assert WRONG not in everything_said(error)


def test_without_secret_and_key_the_error_names_both_ways(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with pytest.raises(SettingsError, match=r"CLIENT_SECRET .* USERNAME and PRIVATE_KEY_FILE"):
        count(with_settings(org, client_secret=None), contracts)


@pytest.mark.parametrize(
    "content", [None, "not a key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"]
)
def test_an_unreadable_key_file_is_named_and_not_quoted(
    org: SimulatedOrg, contracts: dict[str, Contract], tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "salesforce.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=r"PRIVATE_KEY_FILE: .*salesforce\.pem") as error:
        count(with_settings(org, username=USER, private_key_file=str(path)), contracts)
    assert "MIIB" not in everything_said(error)


def test_a_server_whose_authority_is_not_trusted_is_not_talked_to(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    with pytest.raises(ConnectionFailed, match=r"could not be reached \(SSLError\)") as error:
        count(with_settings(org, ca_file=None), contracts)
    assert org.connection.get("client_secret") not in everything_said(error)


def test_a_missing_authority_file_is_named(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with pytest.raises(SettingsError, match=r"CA_FILE: /nowhere/ca\.pem"):
        count(with_settings(org, ca_file="/nowhere/ca.pem"), contracts)


def test_a_host_that_does_not_answer_is_a_failed_connection(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:1 could not be reached"):
        count(with_settings(org, domain="127.0.0.1:1"), contracts)


def test_the_domain_may_be_pasted_with_scheme_and_path(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    assert count(with_settings(org, domain=f"https://{org.connection.get('domain')}/home"), contracts) == 0


def test_an_environment_that_names_another_bundle_of_authorities_changes_nothing(
    org: SimulatedOrg, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.write_bytes(Path(org.address["ca_file"]).read_bytes())
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert count(org.connection, contracts) == 0


def test_an_expired_session_is_replaced_once(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with org.connect() as extractor:
        extractor.count(contracts["account"])
        org.fail("session_expired")
        assert extractor.count(contracts["account"]) == 0


def test_a_session_that_is_refused_again_and_again_is_an_authentication_failure(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.fail("session_expired", times=9)
    with org.connect() as extractor, pytest.raises(AuthenticationFailed, match="INVALID_SESSION_ID"):
        extractor.count(contracts["account"])
    assert org.used <= 2


def test_a_session_that_ends_in_the_middle_of_a_load_loses_nothing(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write(account(number) for number in range(450))
    with org.connect() as extractor:
        org.fail("session_expired", path="/queryAll/01g")
        assert len(records_of(extractor.extract(contracts["account"], everything()))) == 450
