"""The kernels that the form offers."""

from tests.server.conftest import Api


async def test_the_kernels_of_the_servers_own_manager_are_told_by_name(api: Api) -> None:
    kernels = (await api("GET", "kernels")).body
    assert [kernel["name"] for kernel in kernels] == sorted(kernel["name"] for kernel in kernels)
    assert "python3" in {kernel["name"] for kernel in kernels}
    assert set(kernels[0]) == {"name", "display_name", "language"}
