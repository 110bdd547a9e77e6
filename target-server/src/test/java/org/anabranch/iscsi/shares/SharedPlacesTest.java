// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.anabranch.iscsi.shares.SharedPlaces.Standing;
import org.junit.jupiter.api.Test;

final class SharedPlacesTest {
  private final SharedPlaces<String> places = new SharedPlaces<>();
  private final AddressBlock one = address("192.0.2.1");
  private final AddressBlock other = address("192.0.2.2");

  private static AddressBlock address(String text) {
    try {
      return AddressBlock.of(InetAddress.getByName(text));
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theOldestSilentOneOfTheAddressWithTheMostGoes() {
    assertThat(places.enter("a", one, 3)).isNull();
    assertThat(places.enter("b", one, 3)).isNull();
    assertThat(places.enter("x", other, 3)).isNull();
    assertThat(places.enter("c", one, 3)).isEqualTo("a");
    assertThat(places.enter("y", other, 3)).isEqualTo("b");
    assertThat(places.enter("z", other, 3)).isEqualTo("x");
    assertThat(places.size()).isEqualTo(3);
  }

  @Test
  void whoHasSentSomethingStaysLongerAndWhoWasRefusedGoesFirst() {
    places.enter("active", one, 4);
    places.enter("silent", one, 4);
    places.enter("refused", one, 4);
    places.enter("silent too", one, 4);
    places.standing("active", Standing.ACTIVE);
    places.standing("refused", Standing.ENDING);
    assertThat(places.enter("n1", one, 4)).isEqualTo("refused");
    assertThat(places.enter("n2", one, 4)).isEqualTo("silent");
    assertThat(places.enter("n3", one, 4)).isEqualTo("silent too");
    assertThat(places.enter("n4", one, 4)).isEqualTo("n1");
  }

  /** A newcomer gets the time to say something, and the least active one loses its place. */
  @Test
  void aNewcomerIsNotTheOneThatGoes() {
    for (String name : new String[] {"a", "b", "c"}) {
      places.enter(name, one, 3);
      places.standing(name, Standing.ACTIVE);
    }
    places.standing("a", Standing.ACTIVE); // again
    assertThat(places.enter("n", one, 3)).isEqualTo("b");
    assertThat(places.enter("m", one, 3)).isEqualTo("n");
  }

  @Test
  void whereAddressesHaveEquallyManyTheOldestSilentOneGoes() {
    for (int i = 0; i < 8; i++) {
      places.enter("p" + i, address("198.51.100." + i), 8);
    }
    places.standing("p0", Standing.ACTIVE);
    assertThat(places.enter("n", address("198.51.100.100"), 8)).isEqualTo("p1");
  }

  @Test
  void withOnePlaceTheNewcomerGetsIt() {
    assertThat(places.enter("a", one, 1)).isNull();
    assertThat(places.enter("b", other, 1)).isEqualTo("a");
  }

  @Test
  void whoHasLeftLosesNothing() {
    places.enter("a", one, 2);
    places.leave("a");
    places.leave("a");
    places.standing("a", Standing.ACTIVE);
    assertThat(places.size()).isZero();
    places.enter("b", one, 2);
    places.enter("c", one, 2);
    assertThat(places.enter("d", one, 2)).isEqualTo("b");
  }

  @Test
  void anIpv6NetworkIsOnePeer() {
    assertThat(address("2001:db8::1")).isEqualTo(address("2001:db8::ffff:1"));
    assertThat(address("2001:db8::1").hashCode()).isEqualTo(address("2001:db8::2").hashCode());
    assertThat(address("2001:db8::1")).isNotEqualTo(address("2001:db8:0:1::1"));
    assertThat(address("192.0.2.1")).isNotEqualTo(address("192.0.2.2"));
  }
}
